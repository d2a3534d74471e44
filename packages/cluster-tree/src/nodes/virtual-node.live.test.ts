import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { clusterLabel, leafIdAnnotation, nodeLabel, nodeTaint, ownedByClusterAnnotation } from '@kosmos/api'
import {
  Informer,
  type KubeObject,
  leases,
  type Node,
  namespaces,
  nodes,
  type Pod,
  pods,
  serviceAccounts,
  unwrap,
} from '@kosmos/kube'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { VirtualNode } from './virtual-node.ts'

type NodeStatus = NonNullable<Node['status']>

describe('the virtual node of a leaf, in the root', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let stop = new AbortController()
  let ends: Promise<unknown> = Promise.resolve()
  let virtualNode: VirtualNode
  let changes = 0
  let count = 0
  let name = ''

  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    await leafNode('worker', { cpu: '4', pods: '10' })
    await leaf.client.create(namespaces, { metadata: { name: 'shop' } })
    await leaf.client.create(serviceAccounts, { metadata: { namespace: 'shop', name: 'default' } })
  })
  after(async () => {
    stop.abort()
    await ends
    await Promise.all([root?.end(), leaf?.end()])
  })

  /** A node of the leaf that can take pods. */
  async function leafNode(node: string, allocatable: Record<string, string>): Promise<void> {
    await leaf.client.create(nodes, { metadata: { name: node } })
    const conditions = [{ type: 'Ready', status: 'True' }]
    const status = { capacity: allocatable, allocatable, conditions }
    unwrap(await leaf.client.patch(nodes, { name: node }, { status }, { type: 'merge', subresource: 'status' }))
    await leaf.client.patch(nodes, { name: node }, { spec: { taints: null } }, { type: 'merge' })
  }

  /** A virtual node of a new name, as after a start of the process. */
  async function startNode(as = `kosmos-east${++count}`): Promise<void> {
    stop.abort()
    await ends
    stop = new AbortController()
    name = as
    changes = 0
    const rootNodes = new Informer<Node>({ client: root.client, resource: nodes, labelSelector: nodeLabel })
    const leafNodes = new Informer<Node>({ client: leaf.client, resource: nodes })
    const foreignPods = new Informer<Pod>({ client: leaf.client, resource: pods, fieldSelector: 'spec.nodeName!=' })
    virtualNode = new VirtualNode({
      name,
      clusterName: name.slice('kosmos-'.length),
      leafId: 'leaf-1',
      version: 'v1.37.2',
      root: root.client,
      rootNodes,
      leafNodes,
      foreignPods,
      endpoint: () => ({ address: '10.0.0.7', port: 10250 }),
      changed: () => changes++,
    })
    ends = Promise.all([rootNodes, leafNodes, foreignPods, virtualNode].map((each) => each.run(stop.signal)))
  }

  const inRoot = () => root.client.get(nodes, { name })
  const eventuallyNode = (what: string, holds: (node: Node) => unknown) =>
    eventually(what, async () => {
      const node = await inRoot()
      return node && holds(node) ? node : undefined
    })
  const readyStatus = ({ status }: Node) => status?.conditions?.find(({ type }) => type === 'Ready')?.status
  const isReady = (node: Node) => readyStatus(node) === 'True'
  const patch = async (body: object) => unwrap(await root.client.patch(nodes, { name }, body, { type: 'merge' }))
  const patchStatus = async (status: Partial<NodeStatus>) =>
    unwrap(await root.client.patch(nodes, { name }, { status }, { type: 'strategic', subresource: 'status' }))

  beforeEach(() => startNode())

  it('appears with our marks, the capacity of the leaf and a Lease that goes with it', async () => {
    const node = await eventuallyNode('it is Ready', isReady)
    assert.equal(node.metadata.labels?.[clusterLabel], name.slice('kosmos-'.length))
    assert.equal(node.metadata.annotations?.[leafIdAnnotation], 'leaf-1')
    assert(node.spec?.taints?.some(({ key, effect }) => key === nodeTaint.key && effect === nodeTaint.effect))
    assert.deepEqual(node.status?.allocatable, { cpu: '4', pods: '10' })
    assert.equal(node.status?.nodeInfo?.kubeletVersion, 'v1.37.2')
    assert.equal(node.status?.daemonEndpoints?.kubeletEndpoint?.Port, 10250)
    const lease = await root.client.get(leases, { namespace: 'kube-node-lease', name })
    assert.equal(lease?.metadata.ownerReferences?.[0]?.uid, node.metadata.uid)
    assert.equal(lease?.spec?.leaseDurationSeconds, 40)
  })

  it('lives by its Lease, which every heartbeat renews', async () => {
    await eventuallyNode('it is Ready', isReady)
    const ref = { namespace: 'kube-node-lease', name }
    const first = await root.client.get(leases, ref)
    await virtualNode.onBeat({ kind: 'ready' })
    const second = await root.client.get(leases, ref)
    assert((second?.spec?.renewTime ?? '') > (first?.spec?.renewTime ?? ''))
    await virtualNode.onBeat({ kind: 'unreachable', message: 'no' })
    assert.equal((await root.client.get(leases, ref))?.spec?.renewTime, second?.spec?.renewTime)
    await root.client.delete(leases, ref)
    await virtualNode.onBeat({ kind: 'ready' })
    assert(await root.client.get(leases, ref))
  })

  it('is not made of a node that somebody else has, which stays as it is', async () => {
    const real = 'kosmos-real'
    const made = unwrap(await root.client.create(nodes, { metadata: { name: real, labels: { mine: 'yes' } } }))
    await startNode(real)
    await eventually('it says so', () => virtualNode.refused?.reason === 'NodeNameTaken')
    await virtualNode.onBeat({ kind: 'ready' })
    assert.equal(changes, 1)
    assert.equal((await inRoot())?.metadata.resourceVersion, made?.metadata.resourceVersion)
    assert.equal(await root.client.get(leases, { namespace: 'kube-node-lease', name: real }), undefined)
  })

  it('is made when the node in its way is gone', async () => {
    await root.client.create(nodes, { metadata: { name: 'kosmos-freed' } })
    await startNode('kosmos-freed')
    await eventually('it says so', () => virtualNode.refused?.reason === 'NodeNameTaken')
    await root.client.delete(nodes, { name })
    virtualNode.poke()
    await eventuallyNode('it is Ready', isReady)
    assert.equal(virtualNode.refused, undefined)
  })

  for (const [what, body] of Object.entries({
    'its label': { metadata: { labels: { [nodeLabel]: null } } },
    'the name of its Cluster': { metadata: { labels: { [clusterLabel]: 'other' } } },
    'its annotation': { metadata: { annotations: { [ownedByClusterAnnotation]: null } } },
    'its taint': { spec: { taints: null } },
  })) {
    it(`has ${what} again after somebody has taken it away, and stays the same node`, async () => {
      const { metadata } = await eventuallyNode('it is Ready', isReady)
      await patch(body)
      const node = await eventuallyNode('all is back', (node) => {
        const cluster = name.slice('kosmos-'.length)
        return (
          node.metadata.labels?.[nodeLabel] === 'true' &&
          node.metadata.labels[clusterLabel] === cluster &&
          node.metadata.annotations?.[ownedByClusterAnnotation] === cluster &&
          node.spec?.taints?.some(({ key }) => key === nodeTaint.key)
        )
      })
      assert.equal(node.metadata.uid, metadata.uid)
      assert.equal(virtualNode.refused, undefined)
    })
  }

  it('keeps the taints, labels and conditions of others through all of ours', async () => {
    await eventuallyNode('it is Ready', isReady)
    const unreachable = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }
    await patch({ metadata: { labels: { team: 'a' } }, spec: { taints: [unreachable] } })
    const other = { type: 'example.com/Checked', status: 'True', reason: 'Yes', message: 'fine' }
    await patchStatus({ conditions: [other] })
    await leafNode(`more-${count}`, { cpu: '1', pods: '1' })
    const node = await eventuallyNode('both have been written', ({ spec, status }) => {
      return spec?.taints?.some(({ key }) => key === nodeTaint.key) && status?.allocatable?.cpu === '5'
    })
    await leaf.client.delete(nodes, { name: `more-${count}` })
    assert(node.spec?.taints?.some(({ key, effect }) => key === unreachable.key && effect === unreachable.effect))
    assert.equal(node.metadata.labels?.team, 'a')
    const checked = node.status?.conditions?.find(({ type }) => type === other.type)
    assert.equal(checked?.reason, 'Yes')
    await eventuallyNode('the leaf is as before', ({ status }) => status?.allocatable?.cpu === '4')
  })

  it('has what the leaf has left: nodes that come and go, pods of others that start and end', async () => {
    await eventuallyNode('it has it all', ({ status }) => status?.allocatable?.cpu === '4')
    const container = { name: 'a', image: 'a', resources: { requests: { cpu: '1500m' } } }
    const metadata = { namespace: 'shop', name: 'foreign' }
    const spec = { nodeName: 'worker', containers: [container], automountServiceAccountToken: false }
    unwrap(await leaf.client.create(pods, { metadata, spec } as KubeObject))
    const full = await eventuallyNode('there is less', ({ status }) => status?.allocatable?.cpu === '2500m')
    assert.deepEqual([full.status?.allocatable?.pods, full.status?.capacity?.cpu], ['9', '4'])
    await leaf.client.delete(pods, metadata, { gracePeriodSeconds: 0 })
    await eventuallyNode('there is as much as before', ({ status }) => status?.allocatable?.cpu === '4')
    await leaf.client.patch(nodes, { name: 'worker' }, { spec: { unschedulable: true } }, { type: 'merge' })
    const none = await eventuallyNode('it is not Ready', (node) => readyStatus(node) === 'False')
    assert.equal(none.status?.conditions?.find(({ type }) => type === 'Ready')?.reason, 'NoReadyLeafNode')
    await leaf.client.patch(nodes, { name: 'worker' }, { spec: { unschedulable: null } }, { type: 'merge' })
    await eventuallyNode('it is Ready again', isReady)
  })

  it('is Ready again, without a change in the leaf, after the root had called it unknown', async () => {
    await eventuallyNode('it is Ready', isReady)
    await virtualNode.onBeat({ kind: 'unreachable', message: 'no' })
    const unknown = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'stopped posting' }
    await patchStatus({ conditions: [unknown] })
    virtualNode.poke()
    await virtualNode.onBeat({ kind: 'unreachable', message: 'no' })
    assert.equal(readyStatus((await inRoot()) ?? assert.fail()), 'Unknown')
    await virtualNode.onBeat({ kind: 'ready' })
    await eventuallyNode('it is Ready again', isReady)
  })

  it('comes back when it is deleted', async () => {
    const { metadata } = await eventuallyNode('it is Ready', isReady)
    await root.client.delete(nodes, { name })
    await eventuallyNode('another one', (node) => node.metadata.uid !== metadata.uid && isReady(node))
  })

  it('takes no new pods when its Cluster leaves, and then stays away', async () => {
    await eventuallyNode('it is Ready', isReady)
    await virtualNode.leave()
    assert.equal((await inRoot())?.spec?.unschedulable, true)
    await root.client.delete(nodes, { name })
    virtualNode.poke()
    await virtualNode.onBeat({ kind: 'ready' })
    stop.abort()
    await ends
    assert.equal(await inRoot(), undefined)
  })

  it('is not written while nothing changes', async () => {
    await eventuallyNode('it is Ready', isReady)
    const before = await eventually('it has come to rest', async () => {
      const first = await inRoot()
      virtualNode.poke()
      await virtualNode.onBeat({ kind: 'ready' })
      const second = await inRoot()
      return first?.metadata.resourceVersion === second?.metadata.resourceVersion && second
    })
    virtualNode.poke()
    stop.abort()
    await ends
    assert.equal((await inRoot())?.metadata.resourceVersion, before.metadata.resourceVersion)
  })
})
