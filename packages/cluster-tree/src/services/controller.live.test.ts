import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootClusterLabel } from '@kosmos/api'
import {
  Informer,
  type KubeObject,
  namespaces,
  type Pod,
  pods,
  type Service,
  serviceAccounts,
  services,
  unwrap,
} from '@kosmos/kube'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { startNamespaces } from '../namespaces/fixture.ts'
import { BoundPods } from '../root/bound-pods.ts'
import type { Notice } from '../root/events.ts'
import { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { ServiceCopies } from './controller.ts'

const nodeName = 'kosmos-east'
const rootClusterId = 'root-1'

/** One life of the process, as far as Services are concerned. */
function startServices(root: LiveCluster, leaf: LiveCluster) {
  const stop = new AbortController()
  const boundPods = new BoundPods(root.client)
  const rootPods = new PodsOnNodes(boundPods)
  rootPods.add(nodeName)
  const labelSelector = `${rootClusterLabel}=${rootClusterId}`
  const indexes = { namespace: ({ metadata }: KubeObject) => [metadata?.namespace ?? ''] }
  const leafPods = new Informer<Pod, 'namespace'>({ client: leaf.client, resource: pods, labelSelector, indexes })
  const rootServices = new Informer<Service, 'namespace'>({ client: root.client, resource: services, indexes })
  const leafServices = new Informer<Service, 'namespace'>({
    client: leaf.client,
    resource: services,
    labelSelector,
    metadataOnly: true,
    indexes,
  })
  const told: string[] = []
  const settled: string[] = []
  const copies = new ServiceCopies({
    leaf: leaf.client,
    clusterName: 'east',
    rootClusterId,
    rootServices,
    leafServices,
    rootPods,
    leafPods,
    namespaces: startNamespaces(root.client, leaf.client, rootClusterId).copies,
    events: {
      record: ({ metadata }: KubeObject, { reason, note }: Notice) => told.push(`${metadata?.name} ${reason}: ${note}`),
    },
    settled: (namespace) => settled.push(namespace),
  })
  const running = Promise.all(
    [boundPods.informer, leafPods, rootServices, leafServices, copies.controller].map((each) => each.run(stop.signal)),
  )
  return {
    copies,
    knows: rootServices,
    told,
    settled,
    end: async () => {
      stop.abort()
      await running
    },
  }
}

describe('Services of the root in a leaf', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let life: ReturnType<typeof startServices>

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    life = startServices(root, leaf)
  })
  after(async () => {
    await life?.end()
    await Promise.all([root?.end(), leaf?.end()])
  })

  const namespaceOf = async (name: string) => {
    await root.client.create(namespaces, { metadata: { name } })
    await root.client.create(serviceAccounts, { metadata: { namespace: name, name: 'default' } })
    return name
  }
  const serve = async (namespace: string, name: string, spec: object = {}) => {
    const service = { metadata: { namespace, name }, spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec } }
    const made = unwrap(await root.client.create<Service>(services, service as KubeObject)) ?? assert.fail()
    // Pods come by another watch, and settle with what is known.
    await eventually('it is known', () => life.knows.get(`${namespace}/${name}`)?.metadata.uid === made.metadata.uid)
    return made
  }
  const run = (namespace: string, name: string) => {
    const spec = { nodeName, containers: [{ name: 'a', image: 'a' }], automountServiceAccountToken: false }
    return root.client.create(pods, { metadata: { namespace, name }, spec } as KubeObject)
  }
  const stop = (namespace: string, name: string) =>
    root.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 })
  const inLeaf = (namespace: string, name: string) => leaf.client.get(services, { namespace, name })

  it('are there while their namespace has a pod in the leaf, with an address of the leaf', async () => {
    const namespace = await namespaceOf('coming')
    await serve(namespace, 'web')
    await run(namespace, 'first')
    await eventually('the pod may come', () => life.settled.includes(namespace))
    assert.ok(life.copies.isSettled(namespace))
    const copy = (await inLeaf(namespace, 'web')) ?? assert.fail()
    assert.deepEqual(copy.spec?.selector, { app: 'web', [rootClusterLabel]: rootClusterId })
    assert.ok(copy.spec?.clusterIP)
    await stop(namespace, 'first')
    await eventually('it is gone', async () => !(await inLeaf(namespace, 'web')))
  })

  it('follow the root: come, change, become headless, and go', async () => {
    const namespace = await namespaceOf('changing')
    await run(namespace, 'pod')
    const web = await serve(namespace, 'web')
    const before = await eventually('it is there', () => inLeaf(namespace, 'web'))
    const ports = [{ port: 8080 }]
    await root.client.patch(services, { namespace, name: 'web' }, { spec: { ports } }, { type: 'merge' })
    const changed = await eventually('it is changed', async () => {
      const now = await inLeaf(namespace, 'web')
      return now?.spec?.ports?.[0]?.port === 8080 && now
    })
    assert.equal(changed.spec?.clusterIP, before.spec?.clusterIP)
    await root.client.delete(services, { namespace, name: 'web' }, { uid: web.metadata.uid })
    await serve(namespace, 'web', { clusterIP: 'None' })
    await eventually('it is headless', async () => (await inLeaf(namespace, 'web'))?.spec?.clusterIP === 'None')
    await root.client.delete(services, { namespace, name: 'web' })
    await eventually('it is gone', async () => !(await inLeaf(namespace, 'web')))
  })

  it('come back when somebody deletes them in the leaf', async () => {
    const namespace = await namespaceOf('robbed')
    await serve(namespace, 'web')
    await run(namespace, 'pod')
    const { metadata } = await eventually('it is there', () => inLeaf(namespace, 'web'))
    await leaf.client.delete(services, { namespace, name: 'web' })
    await eventually('another', async () => {
      const now = await inLeaf(namespace, 'web')
      return now && now.metadata.uid !== metadata.uid
    })
  })

  it('leave alone what the leaf has under their name, and say so', async () => {
    const namespace = await namespaceOf('taken')
    await leaf.client.create(namespaces, { metadata: { name: namespace } })
    const theirs = { metadata: { namespace, name: 'web' }, spec: { ports: [{ port: 1 }] } }
    await leaf.client.create(services, theirs as KubeObject)
    await serve(namespace, 'web')
    await run(namespace, 'pod')
    await eventually('it is told', () => life.told.some((said) => said.startsWith('web NameTakenInLeaf')))
    assert.ok(life.copies.isSettled(namespace), 'pods do not wait for it')
    assert.equal((await inLeaf(namespace, 'web'))?.spec?.ports?.[0]?.port, 1)
  })

  it('hold back pods of their namespace alone until they are there', async () => {
    const namespace = await namespaceOf('waiting')
    await serve(namespace, 'web')
    const seen: boolean[] = []
    await run(namespace, 'pod')
    await eventually('it is settled', () => {
      seen.push(life.copies.isSettled('elsewhere'))
      return life.settled.includes(namespace)
    })
    assert.ok(await inLeaf(namespace, 'web'))
    assert.ok(seen.every(Boolean))
  })
})
