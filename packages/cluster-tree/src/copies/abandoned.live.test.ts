import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootClusterLabel } from '@kosmos/api'
import {
  configMaps,
  Informer,
  type KubeObject,
  namespaces,
  type Pod,
  pods,
  type Resource,
  secrets,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { AbandonedObjects } from './abandoned.ts'

const namespace = 'shop'
const labels = { [rootClusterLabel]: 'root-1' }

/** One life of the process, as far as what pods leave behind is concerned. */
async function startLife({ client }: LiveCluster) {
  const stop = new AbortController()
  const ours = { client, labelSelector: `${rootClusterLabel}=root-1` }
  const leafPods = new Informer<Pod>({ ...ours, resource: pods })
  const of = (resource: Resource) => new Informer<KubeObject>({ ...ours, resource, metadataOnly: true })
  const leafSources = { configmaps: of(configMaps), secrets: of(secrets) }
  const { controller } = new AbandonedObjects({ leaf: client, leafPods, leafSources, graceMs: 200 })
  const parts = [leafPods, leafSources.configmaps, leafSources.secrets]
  const running = Promise.all([...parts, controller].map((each) => each.run(stop.signal)))
  await Promise.all(parts.map(({ synced }) => synced))
  return async () => {
    stop.abort()
    await running
  }
}

// An API server alone: nothing here collects garbage.
describe('what was made for a pod in a leaf', () => {
  let leaf: LiveCluster
  before(async () => {
    leaf = await startCluster('leaf')
    await leaf.client.create(namespaces, { metadata: { name: namespace } })
    await leaf.client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
  })
  after(() => leaf?.end())

  const makePod = async (name: string, marks: object = labels) => {
    const spec = { containers: [{ name: 'main', image: 'i' }], automountServiceAccountToken: false }
    const pod = { metadata: { namespace, name, labels: marks }, spec } as KubeObject
    return unwrap(await leaf.client.create<Pod>(pods, pod)) ?? assert.fail()
  }
  const makeFor = async (pod: Pod | undefined, resource: Resource, name: string, marks: object = labels) => {
    const owner = pod && { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid }
    const metadata = { namespace, name, labels: marks, ...(owner && { ownerReferences: [owner] }) }
    unwrap(await leaf.client.create(resource, { metadata } as KubeObject))
  }
  const remove = (name: string) => leaf.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 })
  const present = async (resource: Resource) =>
    (await leaf.client.listAll(resource, { namespace })).map(({ metadata }) => metadata?.name)
  const gone = (resource: Resource, name: string) =>
    eventually(`${name} is gone`, async () => !(await present(resource)).includes(name))

  it('goes after the pod, whether that went before this process came or while it ran', async (t) => {
    const [before, during, staying] = [await makePod('before'), await makePod('during'), await makePod('staying')]
    await makeFor(before, secrets, 'tokens-of-before')
    await makeFor(during, secrets, 'tokens-of-during')
    await makeFor(during, configMaps, 'trust-of-during')
    await makeFor(staying, secrets, 'tokens-of-staying')
    await makeFor(undefined, secrets, 'copy')
    const foreign = await makePod('foreign', {})
    await makeFor(foreign, secrets, 'of-foreign', {})
    await remove('foreign')
    await remove('before')
    t.after(await startLife(leaf))
    await gone(secrets, 'tokens-of-before')
    await remove('during')
    await gone(secrets, 'tokens-of-during')
    await gone(configMaps, 'trust-of-during')
    assert.deepEqual(await present(secrets), ['copy', 'of-foreign', 'tokens-of-staying'])
  })

  it('goes also when another pod has the name by then, and what that one owns stays', async (t) => {
    const first = await makePod('again')
    await makeFor(first, secrets, 'tokens-of-first')
    t.after(await startLife(leaf))
    await remove('again')
    const second = await makePod('again')
    await makeFor(second, secrets, 'tokens-of-second')
    await gone(secrets, 'tokens-of-first')
    assert((await present(secrets)).includes('tokens-of-second'))
  })

  it('stays while its pod runs, although nobody knows that one for ours any more', async (t) => {
    const pod = await makePod('unlabelled')
    await makeFor(pod, secrets, 'tokens-of-unlabelled')
    const witness = await makePod('witness')
    await makeFor(witness, secrets, 'tokens-of-witness')
    t.after(await startLife(leaf))
    const patch = { metadata: { labels: { [rootClusterLabel]: null } } }
    await leaf.client.patch(pods, { namespace, name: 'unlabelled' }, patch, { type: 'merge' })
    await remove('witness')
    await gone(secrets, 'tokens-of-witness')
    assert((await present(secrets)).includes('tokens-of-unlabelled'))
  })
})
