import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rootClusterLabel, rootUidAnnotation } from '@kosmos/api'
import {
  Client,
  type EndpointSlice,
  endpointSlices,
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
import { copyInformer } from '../copies/informer.ts'
import { privateName } from '../copies/private-name.ts'
import { Neighbours } from '../links/neighbours.ts'
import { ServiceSlices } from '../links/service-slices.ts'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { BoundPods } from '../root/bound-pods.ts'
import type { Notice } from '../root/events.ts'
import { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { sameAddress } from './address-translator.ts'
import { EndpointCopies } from './controller.ts'
import { copiedSlices, handWritten, podKeysOf, serviceKeyOf } from './copy.ts'

const namespace = 'shop'
const nodeName = 'kosmos-east'
const rootClusterId = 'root-1'
const ours = `${rootClusterLabel}=${rootClusterId}`

/** One life of the process, as far as endpoints are concerned. */
function startEndpoints(root: LiveCluster, leaf: Client) {
  const stop = new AbortController()
  const boundPods = new BoundPods(root.client)
  const rootPods = new PodsOnNodes(boundPods)
  rootPods.add(nodeName)
  const informers = {
    leafPods: new Informer<Pod>({ client: leaf, resource: pods, labelSelector: ours }),
    rootServices: new Informer<Service>({ client: root.client, resource: services }),
    leafServices: copyInformer({ client: leaf, resource: services, labelSelector: ours }),
    rootSlices: new Informer<EndpointSlice, 'service' | 'pod'>({
      client: root.client,
      resource: endpointSlices,
      labelSelector: handWritten,
      indexes: { service: (slice) => [serviceKeyOf(slice)], pod: podKeysOf },
    }),
    leafSlices: copyInformer({
      client: leaf,
      resource: endpointSlices,
      labelSelector: `${ours},${copiedSlices}`,
      indexes: { service: (slice) => [serviceKeyOf(slice)] },
    }),
  }
  const told: string[] = []
  const slices = new ServiceSlices(root.client)
  const neighbours = new Neighbours({
    clusterName: 'east',
    clusters: { get: () => undefined, subscribe: () => () => undefined },
    virtualNodes: { get: () => undefined },
    slices,
  })
  const copies = new EndpointCopies({
    ...informers,
    leaf,
    clusterName: 'east',
    rootClusterId,
    boundPods: boundPods.informer,
    rootPods,
    namespaces: { ensure: async () => 'present' },
    translateAddress: sameAddress,
    neighbours,
    events: {
      record: ({ metadata }: KubeObject, { reason, note }: Notice) => told.push(`${metadata?.name} ${reason}: ${note}`),
    },
  })
  const all = [boundPods.informer, ...Object.values(informers), copies]
  const running = Promise.all(all.map((each) => each.run(stop.signal)))
  return {
    told,
    knows: informers.rootSlices,
    knowsPods: boundPods.informer,
    end: async () => {
      stop.abort()
      await running
    },
  }
}

describe('endpoints that somebody wrote in the root', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let life: ReturnType<typeof startEndpoints>

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    for (const { client } of [root, leaf]) {
      await client.create(namespaces, { metadata: { name: namespace } })
      await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
    }
    life = startEndpoints(root, new Client(leaf.client.connection, 'kosmos-cluster-tree'))
  })
  after(async () => {
    await life?.end()
    await Promise.all([root?.end(), leaf?.end()])
  })

  const service = { spec: { ports: [{ port: 80 }] } }
  const inRoot = (name: string) => root.client.create(services, { metadata: { namespace, name }, ...service } as object)
  /** As ServiceCopies writes it. */
  const inLeaf = async (name: string, labels: object = { [rootClusterLabel]: rootClusterId }) =>
    unwrap(await leaf.client.create<Service>(services, { metadata: { namespace, name, labels }, ...service } as object))
  const write = async (of: string, endpoints: readonly object[], name = of, labels: object = {}) => {
    const metadata = { namespace, name, labels: { 'kubernetes.io/service-name': of, ...labels } }
    const slice = { metadata, addressType: 'IPv4', endpoints, ports: [{ port: 80 }] }
    return unwrap(await root.client.create<EndpointSlice>(endpointSlices, slice as object)) ?? assert.fail()
  }
  const slicesOf = async (of: string) => {
    const labelSelector = `kubernetes.io/service-name=${of}`
    return await leaf.client.listAll<EndpointSlice>(endpointSlices, { namespace, labelSelector })
  }
  const addressesOf = async (of: string) =>
    (await slicesOf(of)).flatMap(({ endpoints }) => endpoints?.flatMap(({ addresses }) => addresses) ?? []).sort()
  const become = (of: string, ...addresses: string[]) =>
    eventually(`${of} is at ${addresses}`, async () => `${await addressesOf(of)}` === `${addresses}`)

  it('come with the Service, change with the root’s, and go with it', async () => {
    await inRoot('db')
    await write('db', [{ addresses: ['192.0.2.7'] }])
    await eventually('they are known', () => life.knows.get(`${namespace}/db`))
    assert.deepEqual(await slicesOf('db'), [])
    const copy = await inLeaf('db')
    await become('db', '192.0.2.7')
    const patch = { endpoints: [{ addresses: ['192.0.2.8'] }] }
    await root.client.patch(endpointSlices, { namespace, name: 'db' }, patch, { type: 'merge' })
    await become('db', '192.0.2.8')
    assert.deepEqual(
      (await slicesOf('db')).map(({ metadata }) => metadata.generation),
      [2],
      'written once for each change',
    )
    await leaf.client.delete(services, { namespace, name: 'db' }, { uid: copy?.metadata.uid ?? '' })
    await become('db')
  })

  it('go when they go in the root, and come back when somebody deletes or changes them in the leaf', async () => {
    await Promise.all([inRoot('kept'), inLeaf('kept')])
    await write('kept', [{ addresses: ['192.0.2.9'] }])
    await become('kept', '192.0.2.9')
    const [copy] = await slicesOf('kept')
    const ref = { namespace, name: copy?.metadata.name ?? '' }
    await leaf.client.delete(endpointSlices, ref)
    await eventually('another', async () => {
      const [now] = await slicesOf('kept')
      return now && now.metadata.uid !== copy?.metadata.uid
    })
    await leaf.client.patch(endpointSlices, ref, { endpoints: [{ addresses: ['203.0.113.1'] }] }, { type: 'merge' })
    await become('kept', '192.0.2.9')
    const said =
      /^kept ConfigurationChangedInLeaf: EndpointSlice kept was changed in cluster east by kosmos-test, and is/
    await eventually('it is told', () => life.told.some((one) => said.test(one)))
    await root.client.delete(endpointSlices, { namespace, name: 'kept' })
    await become('kept')
  })

  it('are written less and less often against somebody who writes on, and at once when the root’s change', async () => {
    await Promise.all([inRoot('fought-over'), inLeaf('fought-over')])
    await write('fought-over', [{ addresses: ['192.0.2.20'] }])
    await become('fought-over', '192.0.2.20')
    const [copy] = await slicesOf('fought-over')
    const theirs = { endpoints: [{ addresses: ['203.0.113.2'] }] }
    const edit = async () =>
      unwrap(await leaf.client.patch(endpointSlices, copy?.metadata ?? assert.fail(), theirs, { type: 'merge' }))
    for (const _ of [1, 2, 3]) {
      await edit()
      await become('fought-over', '192.0.2.20')
    }
    const told = () => life.told.filter((one) => one.startsWith('fought-over '))
    await eventually('it is told', () =>
      /3 times in a row; the next time theirs stays for up to 4 s$/.test(told()[2] ?? ''),
    )
    await edit()
    const patch = { endpoints: [{ addresses: ['192.0.2.21'] }] }
    await root.client.patch(endpointSlices, { namespace, name: 'fought-over' }, patch, { type: 'merge' })
    await become('fought-over', '192.0.2.21')
    assert.equal(told().length, 3)
  })

  it('are not those that the root makes of pods, which the leaf makes itself', async () => {
    await Promise.all([inRoot('web'), inLeaf('web')])
    const byController = { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' }
    await write('web', [{ addresses: ['192.0.2.10'] }], 'web-made', byController)
    await write('web', [{ addresses: ['192.0.2.11'] }], 'web-written')
    await become('web', '192.0.2.11')
  })

  it('never come to a Service of the leaf that is not ours, and leave its own alone', async () => {
    await inRoot('theirs')
    await leaf.client.create(services, { metadata: { namespace, name: 'theirs' }, ...service } as object)
    const own = { namespace, name: 'theirs', labels: { 'kubernetes.io/service-name': 'theirs' } }
    const endpoints = [{ addresses: ['203.0.113.7'] }]
    const slice = { metadata: own, addressType: 'IPv4', endpoints, ports: [{ port: 80 }] }
    await leaf.client.create(endpointSlices, slice as object)
    await write('theirs', [{ addresses: ['192.0.2.12'] }])
    // What is written after it has come, so it has been looked at.
    await Promise.all([inRoot('after'), inLeaf('after')])
    await write('after', [{ addresses: ['192.0.2.13'] }])
    await become('after', '192.0.2.13')
    assert.deepEqual(await addressesOf('theirs'), ['203.0.113.7'])
  })

  it('that are pods are those of the leaf, where they are there; others are told of', async () => {
    await Promise.all([inRoot('mixed'), inLeaf('mixed')])
    const run = async (name: string, on: string) => {
      const spec = { nodeName: on, containers: [{ name: 'a', image: 'a' }], automountServiceAccountToken: false }
      return (
        unwrap(await root.client.create<Pod>(pods, { metadata: { namespace, name }, spec } as object)) ?? assert.fail()
      )
    }
    const [mine, other] = await Promise.all([run('mine', nodeName), run('other', 'kosmos-west')])
    // Each kind has a watch of its own, and who has not heard of a pod tells of it otherwise.
    await eventually('they are known', () =>
      ['mine', 'other'].every((name) => life.knowsPods.get(`${namespace}/${name}`)),
    )
    const ofPod = ({ metadata: { name, uid } }: Pod, address: string) => ({
      addresses: [address],
      targetRef: { kind: 'Pod', namespace, name, uid },
    })
    await write('mixed', [ofPod(mine, '10.0.0.1'), ofPod(other, '10.0.0.2'), { addresses: ['192.0.2.14'] }])
    await become('mixed', '192.0.2.14')
    const labels = { [rootClusterLabel]: rootClusterId }
    const copy = {
      metadata: { namespace, name: 'mine', labels, annotations: { [rootUidAnnotation]: mine.metadata.uid } },
      spec: { nodeName: 'n', containers: [{ name: 'a', image: 'a' }], automountServiceAccountToken: false },
    }
    await leaf.client.create(pods, copy as object)
    const status = { phase: 'Running', podIP: '10.7.0.3', podIPs: [{ ip: '10.7.0.3' }] }
    await leaf.client.patch(
      pods,
      { namespace, name: 'mine' },
      { status },
      {
        type: 'merge',
        subresource: 'status',
      },
    )
    await become('mixed', '10.7.0.3', '192.0.2.14')
    const said = life.told.filter((text) => text.startsWith('mixed '))
    assert.deepEqual(said, [
      'mixed EndpointsElsewhere: Pods in cluster east do not get 1 of the endpoints in EndpointSlice mixed: those are pods that run elsewhere, which takes a network between clusters',
    ])
  })

  it('that the leaf does not take are told on the Service', async () => {
    await Promise.all([inRoot('refused'), inLeaf('refused')])
    // By this name the leaf has one that is not ours.
    const labels = { 'kubernetes.io/service-name': 'refused' }
    const metadata = { namespace, name: privateName('refused', rootClusterId), labels }
    const foreign = { metadata, addressType: 'IPv4', endpoints: [{ addresses: ['203.0.113.8'] }], ports: [{ port: 1 }] }
    await leaf.client.create(endpointSlices, foreign as object)
    await write('refused', [{ addresses: ['192.0.2.15'] }])
    await eventually('it is told', () =>
      life.told.some((said) => /^refused EndpointsRefusedByLeaf: .*has another one/.test(said)),
    )
    assert.deepEqual(await addressesOf('refused'), ['203.0.113.8'])
  })
})
