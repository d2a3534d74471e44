import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootClusterLabel } from '@kosmos/api'
import {
  Client,
  type ClusterTrustBundle,
  type ConfigMap,
  clusterTrustBundles,
  configMaps,
  Informer,
  type KubeObject,
  namespaces,
  type Pod,
  pods,
  resource,
  servedResource,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { copyInformer } from '../copies/informer.ts'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { leafPod } from '../pods/fixture.ts'
import { BoundPods } from '../root/bound-pods.ts'
import type { Notice } from '../root/events.ts'
import { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { normalizeAnchors } from './anchors.ts'
import { bundleResources, TrustBundles } from './bundles.ts'
import { PodTrust } from './controller.ts'
import { trustConfigMapName } from './wishes.ts'

const nodeName = 'kosmos-east'
const namespace = 'shop'
const rootClusterId = 'root-1'

/** One life of the process, as far as bundles of trust are concerned. */
function startTrust(root: LiveCluster, leaf: LiveCluster) {
  const stop = new AbortController()
  const boundPods = new BoundPods(root.client)
  const rootPods = new PodsOnNodes(boundPods)
  rootPods.add(nodeName)
  const ours = { client: leaf.client, labelSelector: `${rootClusterLabel}=${rootClusterId}` }
  const leafPods = new Informer<Pod>({ ...ours, resource: pods })
  const leafConfigMaps = copyInformer({ ...ours, resource: configMaps })
  const indexes = { signer: ({ spec }: ClusterTrustBundle) => [spec.signerName ?? ''] }
  const bundles = new TrustBundles(new Informer({ client: root.client, resource: clusterTrustBundles, indexes }))
  const told: string[] = []
  const woken: string[] = []
  const trust = new PodTrust({
    leaf: leaf.client,
    clusterName: 'east',
    rootClusterId,
    bundles,
    rootPods,
    leafPods,
    leafConfigMaps,
    events: { record: (_object: KubeObject, { reason, note }: Notice) => told.push(`${reason}: ${note}`) },
    wake: (pod) => woken.push(pod),
  })
  const all = [boundPods.informer, leafPods, leafConfigMaps, bundles.informer, trust.controller]
  const running = Promise.all(all.map((each) => each.run(stop.signal)))
  return {
    trust,
    told,
    woken,
    synced: bundles.informer.synced,
    end: async () => {
      stop.abort()
      await running
    },
  }
}

describe('bundles of trust of the root for pods in a leaf', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let life: ReturnType<typeof startTrust>
  let authorities: readonly [string, string]

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    authorities = [root.controlPlane.ca, leaf.controlPlane.ca]
    for (const { client } of [root, leaf]) {
      await client.create(namespaces, { metadata: { name: namespace } })
      await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
    }
    life = startTrust(root, leaf)
    await life.synced
  })
  after(async () => {
    await life?.end()
    await Promise.all([root?.end(), leaf?.end()])
  })

  const publish = async (name: string, trustBundle: string, spec: object = {}, labels: object = {}) => {
    const bundle = { metadata: { name, labels }, spec: { trustBundle, ...spec } }
    return unwrap(await root.client.create<ClusterTrustBundle>(clusterTrustBundles, bundle as object)) ?? assert.fail()
  }
  const inRoot = async (name: string, ...sources: object[]) => {
    const projected = { sources: sources.map((clusterTrustBundle) => ({ clusterTrustBundle })) }
    const spec = {
      nodeName,
      automountServiceAccountToken: false,
      containers: [{ name: 'main', image: 'i' }],
      volumes: [{ name: 'trust', projected }],
    }
    return (
      unwrap(await root.client.create<Pod>(pods, { metadata: { namespace, name }, spec } as object)) ?? assert.fail()
    )
  }
  /** The copy, as far as bundles depend on it. */
  const inLeaf = async (pod: Pod) => {
    const { metadata } = leafPod(pod)
    const labels = { ...metadata.labels, [rootClusterLabel]: rootClusterId }
    const spec = { containers: [{ name: 'main', image: 'i' }], automountServiceAccountToken: false }
    const copy = { metadata: { namespace, name: metadata.name, labels, annotations: metadata.annotations }, spec }
    return unwrap(await leaf.client.create<Pod>(pods, copy as object)) ?? assert.fail()
  }
  const configMapOf = (pod: Pod): Promise<ConfigMap | undefined> =>
    leaf.client.get(configMaps, { namespace, name: trustConfigMapName(pod) })
  const holds = (pod: Pod, ...expected: string[]) =>
    eventually(`it has ${expected.length} bundles`, async () => {
      const configMap = await configMapOf(pod)
      return configMap && `${Object.values(configMap.data ?? {}).sort()}` === `${[...expected].sort()}` && configMap
    })

  it('are served by the pinned version as v1, and by one that has no such API not at all', async () => {
    assert.equal(await servedResource(root.client, bundleResources), clusterTrustBundles)
    const never = resource('certificates.k8s.io/v9', 'ClusterTrustBundle', 'clustertrustbundles', 'Cluster')
    assert.equal(await servedResource(root.client, [never]), undefined)
  })

  it('are delivered when the pod is in the leaf, follow the root, and stay when they go there', async () => {
    await publish('roots', authorities[0])
    const pod = await inRoot('first', { name: 'roots', path: 'roots.pem' })
    const copy = await inLeaf(pod)
    const configMap = await holds(pod, normalizeAnchors([authorities[0]]))
    assert.equal(configMap.metadata.ownerReferences?.[0]?.uid, copy.metadata.uid)
    const patch = { spec: { trustBundle: `${authorities[1]}${authorities[0]}` } }
    await root.client.patch(clusterTrustBundles, { name: 'roots' }, patch, { type: 'merge' })
    await holds(pod, normalizeAnchors([...authorities]))
    await root.client.delete(clusterTrustBundles, { name: 'roots' })
    await eventually('that is known', () => life.trust.stateOf(pod) !== undefined)
    await holds(pod, normalizeAnchors([...authorities]))
  })

  it('of a signer are those with the labels that the pod selects, together', async () => {
    const spec = { signerName: 'example.com/ca' }
    await publish('example.com:ca:old', authorities[0], spec, { era: 'old' })
    const pod = await inRoot(
      'signed',
      { signerName: 'example.com/ca', labelSelector: {}, path: 'all.pem' },
      { signerName: 'example.com/ca', labelSelector: { matchLabels: { era: 'old' } }, path: 'old.pem' },
      { signerName: 'example.com/ca', path: 'none.pem', optional: true },
    )
    await inLeaf(pod)
    const one = normalizeAnchors([authorities[0]])
    await holds(pod, one, one, '')
    await publish('example.com:ca:new', authorities[1], spec, { era: 'new' })
    await holds(pod, normalizeAnchors([...authorities]), one, '')
  })

  it('that are missing hold the pod back with their names, and wake it the moment they are there', async () => {
    const pod = await inRoot('early', { name: 'later', path: 'a' }, { name: 'never', path: 'b', optional: true })
    assert.deepEqual(life.trust.stateOf(pod), {
      reason: 'TrustBundleNotFound',
      message: 'not found: ClusterTrustBundle later (volume trust); the pod starts when it is there',
    })
    await eventually('the pod is known', () => life.woken.includes(`${namespace}/early`))
    life.woken.length = 0
    await publish('later', authorities[0])
    await eventually('it is woken', () => life.woken.includes(`${namespace}/early`))
    assert.equal(life.trust.stateOf(pod), undefined)
  })

  it('come back when somebody deletes their ConfigMap in the leaf', async () => {
    await publish('robbed', authorities[0])
    const pod = await inRoot('robbed', { name: 'robbed', path: 'a' })
    await inLeaf(pod)
    const { metadata } = await holds(pod, normalizeAnchors([authorities[0]]))
    await leaf.client.delete(configMaps, { namespace, name: metadata.name })
    await eventually('another', async () => {
      const now = await configMapOf(pod)
      return now && now.metadata.uid !== metadata.uid
    })
  })

  it('come back when somebody writes over them in the leaf, which the pod says', async () => {
    await publish('overwritten', authorities[0])
    const pod = await inRoot('overwritten', { name: 'overwritten', path: 'a' })
    await inLeaf(pod)
    const { data = {}, metadata } = await holds(pod, normalizeAnchors([authorities[0]]))
    const change = { data: Object.fromEntries(Object.keys(data).map((key) => [key, 'forged'])) }
    const them = new Client(leaf.client.connection, 'kubectl-edit')
    await them.patch(configMaps, { namespace, name: metadata.name }, change, { type: 'merge' })
    await eventually('it is told', () =>
      life.told.find((one) => one.includes(`ConfigMap ${metadata.name} was changed in cluster east by kubectl-edit`)),
    )
    await holds(pod, normalizeAnchors([authorities[0]]))
  })

  it('that the leaf does not take are told on the root pod', async (t) => {
    await publish('refused', authorities[0])
    const quotas = resource('v1', 'ResourceQuota', 'resourcequotas', 'Namespaced')
    const hard = { 'count/configmaps': '0' }
    const quota = { metadata: { namespace, name: 'no-more' }, spec: { hard } }
    const made = unwrap(await leaf.client.create<KubeObject>(quotas, quota as object))
    t.after(() => leaf.client.delete(quotas, { namespace, name: 'no-more' }))
    const status = { hard, used: { 'count/configmaps': '0' } }
    await leaf.client.replace(quotas, { ...made, status } as object, { subresource: 'status' })
    const pod = await inRoot('refused', { name: 'refused', path: 'a' })
    await inLeaf(pod)
    await eventually('the pod says so', () => life.told.some((said) => /TrustNotDelivered.*quota/.test(said)))
  })
})
