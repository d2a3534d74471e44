import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import {
  clusterLabel,
  emptyShapesAnnotation,
  freeShapesAnnotation,
  largestPodAnnotation,
  leafIdAnnotation,
  nodeLabel,
  nodeTaint,
  ownedByClusterAnnotation,
  placementPriorityAnnotation,
  retiringTaint,
  type VirtualNodeModel,
  virtualNodeModels,
} from '@kosmos/api'
import {
  Client,
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
import { VirtualNodes } from './virtual-nodes.ts'
import { virtualNodeInformer } from './watched-node.ts'

type NodeStatus = NonNullable<Node['status']>

describe('the virtual node of a leaf, in the root', () => {
  let root: LiveCluster
  let leaf: LiveCluster
  let stop = new AbortController()
  let ends: Promise<unknown> = Promise.resolve()
  let virtualNodes: VirtualNodes
  let models: readonly VirtualNodeModel[] = []
  /** Names of virtual nodes that still have pods which have to be moved. */
  const occupied = new Set<string>()
  let whyOccupied: string | undefined
  const told: string[] = []
  const drained = new Set<string>()
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

  /** The virtual nodes of a new Cluster, as after a start of the process. */
  async function startNode(cluster = `east${++count}`): Promise<void> {
    stop.abort()
    await ends
    stop = new AbortController()
    name = `kosmos-${cluster}`
    changes = 0
    told.length = 0
    const rootNodes = virtualNodeInformer(root.client)
    const leafNodes = new Informer<Node>({ client: leaf.client, resource: nodes })
    const foreignPods = new Informer<Pod>({
      client: leaf.client,
      resource: pods,
      fieldSelector: 'spec.nodeName!=',
      labelSelector: '!ours',
    })
    const leafPods = new Informer<Pod>({ client: leaf.client, resource: pods, labelSelector: 'ours' })
    virtualNodes = new VirtualNodes({
      clusterName: cluster,
      leafId: 'leaf-1',
      version: 'v1.37.2',
      root: root.client,
      rootNodes,
      leafNodes,
      foreignPods,
      leafPods,
      serveKubelet: (_, listening) => {
        listening()
        return { endpoint: { address: '10.0.0.7', port: 10250 }, disconnect: () => {}, close: async () => {} }
      },
      drain: async (node) => {
        drained.add(node)
        return { isEmpty: !occupied.has(node), heldBack: occupied.has(node) ? whyOccupied : undefined }
      },
      hasPods: (node) => occupied.has(node),
      onServed: (node, isServed) => told.push(`${isServed ? 'serves' : 'gives up'} ${node}`),
      onRetiring: (node) => told.push(`retires ${node}`),
      changed: () => changes++,
    })
    models = virtualNodeModels(cluster)
    const informers = [rootNodes, leafNodes, foreignPods, leafPods]
    const running = informers.map((informer) => informer.run(stop.signal))
    await Promise.all(informers.map(({ synced }) => synced))
    virtualNodes.apply(models)
    ends = Promise.all([...running, virtualNodes.run(stop.signal)])
  }

  const inRoot = () => root.client.get(nodes, { name })
  const eventuallyNode = (what: string, holds: (node: Node) => unknown) =>
    eventually(what, async () => {
      const node = await inRoot()
      return node && holds(node) ? node : undefined
    })
  const readyStatus = ({ status }: Node) => status?.conditions?.find(({ type }) => type === 'Ready')?.status
  const isReady = (node: Node) => readyStatus(node) === 'True'
  const isClosed = ({ spec }: Node) => spec?.taints?.some(({ key }) => key === retiringTaint.key)
  const patch = async (body: object) => unwrap(await root.client.patch(nodes, { name }, body, { type: 'merge' }))
  const patchStatus = async (status: Partial<NodeStatus>) =>
    unwrap(await root.client.patch(nodes, { name }, { status }, { type: 'strategic', subresource: 'status' }))

  beforeEach(() => startNode())

  it('appears with our marks, the capacity of the leaf and a Lease that goes with it', async () => {
    const node = await eventuallyNode('it is Ready and can be reached', (node) => {
      return isReady(node) && node.status?.daemonEndpoints?.kubeletEndpoint?.Port !== 0
    })
    assert.equal(node.metadata.labels?.[clusterLabel], name.slice('kosmos-'.length))
    assert.equal(node.metadata.annotations?.[leafIdAnnotation], 'leaf-1')
    assert(node.spec?.taints?.some(({ key, effect }) => key === nodeTaint.key && effect === nodeTaint.effect))
    assert.deepEqual(node.status?.allocatable, { cpu: '4', pods: '10' })
    assert.equal(node.status?.nodeInfo?.kubeletVersion, 'v1.37.2')
    assert.equal(node.status?.daemonEndpoints?.kubeletEndpoint?.Port, 10250)
    const lease = await eventually('its Lease', () => root.client.get(leases, { namespace: 'kube-node-lease', name }))
    assert.equal(lease.metadata.ownerReferences?.[0]?.uid, node.metadata.uid)
    assert.equal(lease.spec?.leaseDurationSeconds, 40)
  })

  it('lives by its Lease, which every heartbeat renews', async () => {
    await eventuallyNode('it is Ready', isReady)
    const ref = { namespace: 'kube-node-lease', name }
    const first = await root.client.get(leases, ref)
    await virtualNodes.onBeat({ kind: 'ready' })
    const second = await root.client.get(leases, ref)
    assert((second?.spec?.renewTime ?? '') > (first?.spec?.renewTime ?? ''))
    await virtualNodes.onBeat({ kind: 'unreachable', message: 'no' })
    assert.equal((await root.client.get(leases, ref))?.spec?.renewTime, second?.spec?.renewTime)
    await root.client.delete(leases, ref)
    await virtualNodes.onBeat({ kind: 'ready' })
    assert(await root.client.get(leases, ref))
  })

  it('is not made of a node that somebody else has, which stays as it is', async () => {
    const real = 'kosmos-real'
    const made = unwrap(await root.client.create(nodes, { metadata: { name: real, labels: { mine: 'yes' } } }))
    await startNode('real')
    await eventually('it says so', () => virtualNodes.refused?.reason === 'NodeNameTaken')
    await virtualNodes.onBeat({ kind: 'ready' })
    assert.equal(changes, 1)
    assert.equal((await inRoot())?.metadata.resourceVersion, made?.metadata.resourceVersion)
    assert.equal(await root.client.get(leases, { namespace: 'kube-node-lease', name: real }), undefined)
  })

  it('is made when the node in its way is gone', async () => {
    await root.client.create(nodes, { metadata: { name: 'kosmos-freed' } })
    await startNode('freed')
    await eventually('it says so', () => virtualNodes.refused?.reason === 'NodeNameTaken')
    await root.client.delete(nodes, { name })
    virtualNodes.apply(models)
    await eventuallyNode('it is Ready', isReady)
    await eventually('nothing is in its way', () => !virtualNodes.refused)
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
      assert.equal(virtualNodes.refused, undefined)
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

  it('keeps what an administrator advertises on it, and none of what the leaf has no more, also after a restart', async () => {
    const [dongles, gpus] = ['example.com/dongle', 'example.com/gpu']
    const node = `more-${count}`
    await leafNode(node, { cpu: '1', [gpus]: '2' })
    await eventuallyNode('it has the leaf’s', ({ status }) => status?.allocatable?.[gpus] === '2')
    const administrator = new Client(root.client.connection, 'kubectl')
    const status = { capacity: { [dongles]: '5' }, allocatable: { [dongles]: '5' } }
    const advertise = async () =>
      unwrap(await administrator.patch(nodes, { name }, { status }, { type: 'strategic', subresource: 'status' }))
    await advertise()
    await eventually('pods ask the leaf for none', () => virtualNodes.rootResourcesOf(name).includes(dongles))
    await leafNode(`${node}-too`, { cpu: '1', [dongles]: '1' })
    await eventually('the leaf has some', () => virtualNodes.rootResourcesOf(name).length === 0)
    await leaf.client.delete(nodes, { name: `${node}-too` })
    await advertise()
    await eventually('it has none', () => virtualNodes.rootResourcesOf(name).includes(dongles))
    stop.abort()
    await ends
    await leaf.client.delete(nodes, { name: node })
    await startNode(`east${count}`)
    const after = await eventuallyNode('it has lost the leaf’s', ({ status }) => !status?.capacity?.[gpus])
    assert.deepEqual([after.status?.capacity?.[dongles], after.status?.allocatable?.[dongles]], ['5', '5'])
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
    const cordoned = await eventuallyNode('there is nothing', ({ status }) => !status?.allocatable?.cpu)
    assert(isReady(cordoned), 'the pods that are there go on')
    await leaf.client.patch(nodes, { name: 'worker' }, { spec: { unschedulable: null } }, { type: 'merge' })
    await eventuallyNode('there is as much as before', ({ status }) => status?.allocatable?.cpu === '4')
  })

  it('says how much room there is in one leaf node, after our pods too', async () => {
    const largest = (node: Node) => JSON.parse(node.metadata.annotations?.[largestPodAnnotation] ?? '{}').cpu
    await leafNode('small', { cpu: '1', pods: '10' })
    const before = await eventuallyNode('both are counted', ({ metadata }) => {
      const shapes = JSON.parse(metadata.annotations?.[freeShapesAnnotation] ?? '[]')
      return isDeepStrictEqual(shapes, [
        { nodes: 1, free: { cpu: '4', pods: '10' } },
        { nodes: 1, free: { cpu: '1', pods: '10' } },
      ])
    })
    const container = { name: 'a', image: 'a', resources: { requests: { cpu: '2' } } }
    const metadata = { namespace: 'shop', name: 'copy', labels: { ours: '' } }
    const spec = { nodeName: 'worker', containers: [container], automountServiceAccountToken: false }
    unwrap(await leaf.client.create(pods, { metadata, spec } as KubeObject))
    const after = await eventuallyNode('half of it is taken', (node) => largest(node) === '2')
    const empty = [before, after].map(({ metadata }) => metadata.annotations?.[emptyShapesAnnotation])
    assert.deepEqual(
      empty,
      Array(2).fill(before.metadata.annotations?.[freeShapesAnnotation]),
      'less the pods of others only',
    )
    assert.deepEqual(after.status?.allocatable, before.status?.allocatable, 'the root counts its pods itself')
    await leaf.client.delete(pods, metadata, { gracePeriodSeconds: 0 })
    await eventuallyNode('it is free again', (node) => largest(node) === '4')
    await leaf.client.delete(nodes, { name: 'small' })
    await eventuallyNode('the leaf is as before', ({ status }) => status?.allocatable?.cpu === '4')
  })

  it('is written a few times while its leaf gets five hundred nodes, and while these go', async () => {
    await eventuallyNode('it is Ready', isReady)
    const seen = new Informer<Node>({ client: root.client, resource: nodes, fieldSelector: `metadata.name=${name}` })
    let writes = 0
    seen.subscribe(() => writes++)
    const watching = seen.run(stop.signal)
    await seen.synced
    writes = 0
    const started = performance.now()
    const many = Array.from({ length: 500 }, (_, i) => `many-${i}`)
    await Promise.all(many.map((node) => leafNode(node, { cpu: '1', pods: '10' })))
    await eventuallyNode('all are counted', ({ status }) => status?.allocatable?.cpu === '504')
    await Promise.all(many.map((node) => leaf.client.delete(nodes, { name: node })))
    await eventuallyNode('none is counted', ({ status }) => status?.allocatable?.cpu === '4')
    // There were two thousand changes in the leaf; one write in half a second is no matter of how many.
    const seconds = (performance.now() - started) / 1_000
    assert.ok(writes <= 2 * seconds + 2, `${writes} writes in ${seconds} s`)
    stop.abort()
    await watching
  })

  it('is Ready again, without a change in the leaf, after the root had called it unknown', async () => {
    await eventuallyNode('it is Ready', isReady)
    await virtualNodes.onBeat({ kind: 'unreachable', message: 'no' })
    const unknown = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', message: 'stopped posting' }
    await patchStatus({ conditions: [unknown] })
    virtualNodes.apply(models)
    await virtualNodes.onBeat({ kind: 'unreachable', message: 'no' })
    assert.equal(readyStatus((await inRoot()) ?? assert.fail()), 'Unknown')
    await virtualNodes.onBeat({ kind: 'ready' })
    await eventuallyNode('it is Ready again', isReady)
  })

  it('comes back when it is deleted', async () => {
    const { metadata } = await eventuallyNode('it is Ready', isReady)
    await root.client.delete(nodes, { name })
    await eventuallyNode('another one', (node) => node.metadata.uid !== metadata.uid && isReady(node))
  })

  it('takes no new pods when its Cluster leaves, and then stays away', async () => {
    await eventuallyNode('it is Ready', isReady)
    await virtualNodes.leave()
    assert(isClosed((await inRoot()) ?? assert.fail()))
    await root.client.delete(nodes, { name })
    virtualNodes.apply(models)
    await virtualNodes.onBeat({ kind: 'ready' })
    stop.abort()
    await ends
    assert.equal(await inRoot(), undefined)
  })

  it('takes pods again when its Cluster stays after all, unless somebody has cordoned it', async () => {
    await eventuallyNode('it is Ready', isReady)
    await root.client.patch(nodes, { name }, { spec: { unschedulable: true } }, { type: 'merge' })
    await virtualNodes.leave()
    await eventuallyNode('it takes none', isClosed)
    virtualNodes.stay()
    const node = await eventuallyNode('it takes some', (node) => !isClosed(node))
    assert.equal(node.spec?.unschedulable, true)
  })

  it('is not written while nothing changes', async () => {
    await eventuallyNode('it is Ready', isReady)
    const before = await eventually('it has come to rest', async () => {
      const first = await inRoot()
      // Longer than changes of capacity are gathered, and than a write takes on a busy machine.
      await setTimeout(1_000)
      const second = await inRoot()
      return first?.metadata.resourceVersion === second?.metadata.resourceVersion && second
    })
    await virtualNodes.onBeat({ kind: 'ready' })
    virtualNodes.apply(models)
    stop.abort()
    await ends
    assert.equal((await inRoot())?.metadata.resourceVersion, before.metadata.resourceVersion)
  })

  describe('when its Cluster has leaf models', () => {
    const pool = (pool: string, leafNodeName = pool) => ({
      leafNodeName,
      nodeSelector: { labelSelector: { matchLabels: { pool } } },
    })
    const take = (...leafModels: Parameters<typeof virtualNodeModels>[1] & object) => {
      models = virtualNodeModels(name.slice('kosmos-'.length), leafModels)
      virtualNodes.apply(models)
    }
    const label = (node: string, pool: string | null) =>
      leaf.client.patch(nodes, { name: node }, { metadata: { labels: { pool } } }, { type: 'merge' })
    const cpuOf = async (node: string) => (await root.client.get(nodes, { name: node }))?.status?.allocatable?.cpu
    const eventuallyCpu = (expected: Readonly<Record<string, string>>) =>
      eventually(`there is ${JSON.stringify(expected)}`, async () => {
        for (const [node, cpu] of Object.entries(expected)) if ((await cpuOf(node)) !== cpu) return false
        return true
      })

    before(async () => {
      await leafNode('gpu-1', { cpu: '8', pods: '10' })
      await leafNode('gpu-2', { cpu: '16', pods: '10' })
      await label('gpu-1', 'gpu')
    })
    after(async () => {
      await Promise.all(['gpu-1', 'gpu-2'].map((name) => leaf.client.delete(nodes, { name })))
    })

    it('stands for one leaf node, or for a group, whose nodes may change', async () => {
      const [gpu, web] = [`gpu${count}`, `web${count}`]
      take({ nodeSelector: { nodeName: 'worker' } }, pool('gpu', gpu), pool('web', web))
      await eventuallyCpu({ worker: '4', [`kosmos-${gpu}-0`]: '8' })
      await label('gpu-2', 'gpu')
      await eventuallyCpu({ worker: '4', [`kosmos-${gpu}-0`]: '24' })
      await label('gpu-1', 'web')
      await eventuallyCpu({ worker: '4', [`kosmos-${gpu}-0`]: '16', [`kosmos-${web}-0`]: '8' })
      await label('gpu-2', null)
      await label('gpu-1', 'gpu')
      await eventuallyCpu({ [`kosmos-${gpu}-0`]: '8' })
      await root.client.delete(nodes, { name: 'worker' })
    })

    it('goes when it is not described any more, after the last of its pods', async () => {
      await eventuallyNode('it is Ready', isReady)
      await eventually('it is served', () => told.includes(`serves ${name}`))
      occupied.add(name)
      take(pool('gpu', `gone${count}`))
      const retiring = await eventuallyNode('it takes no new pods', isClosed)
      assert.equal(retiring.status?.allocatable?.cpu, '28', 'what is said of it stays')
      assert.equal(virtualNodes.homeOf(name), undefined)
      await virtualNodes.onBeat({ kind: 'ready' })
      assert(isReady((await inRoot()) ?? assert.fail()))
      occupied.delete(name)
      await eventually('it is gone', async () => !(await inRoot()))
      await eventually('it is given up', () => told.includes(`gives up ${name}`))
      await eventually('the other is served', () => told.includes(`serves kosmos-gone${count}-0`))
      const ofIt = told.filter((text) => text.endsWith(` ${name}`))
      assert.deepEqual([told.length, ofIt], [4, [`serves ${name}`, `retires ${name}`, `gives up ${name}`]])
    })

    it('stays when it is described again before that', async () => {
      const { metadata } = await eventuallyNode('it is Ready', isReady)
      occupied.add(name)
      whyOccupied = 'not now'
      take(pool('gpu', `tried${count}`))
      await eventuallyNode('it takes no new pods', isClosed)
      await eventually('it says what it waits for', () => virtualNodes.heldBack?.endsWith('not now'))
      const before = changes
      take()
      assert.equal(virtualNodes.heldBack, undefined, 'nothing is to go any more')
      assert(changes > before)
      const node = await eventuallyNode('it takes pods', (node) => !isClosed(node))
      assert.equal(node.metadata.uid, metadata.uid)
      assert.deepEqual(virtualNodes.homeOf(name), { kind: 'cluster' })
      occupied.delete(name)
      await eventually(
        'the other is gone',
        async () => !(await root.client.get(nodes, { name: `kosmos-tried${count}-0` })),
      )
    })

    it('is not made for a leaf node that is not there, until it is', async () => {
      take({ nodeSelector: { nodeName: 'late' } })
      await eventually('it says so', () => virtualNodes.refused?.reason === 'LeafNodeNotFound')
      assert.equal(await root.client.get(nodes, { name: 'late' }), undefined)
      await leafNode('late', { cpu: '1', pods: '1' })
      await eventuallyCpu({ late: '1' })
      await eventually('nothing is in its way', () => !virtualNodes.refused)
      await leaf.client.delete(nodes, { name: 'late' })
      await eventually('it is not Ready', async () => {
        const node = await root.client.get(nodes, { name: 'late' })
        return node && readyStatus(node) === 'False'
      })
    })

    it('has the taint that its Cluster wants, and loses the other', async () => {
      const taints = async () => (await inRoot())?.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`) ?? []
      await eventuallyNode('it is Ready', isReady)
      virtualNodes.apply(models, { taint: 'PreferNoSchedule' })
      await eventually('it is softer', async () => (await taints()).includes(`${nodeTaint.key}:PreferNoSchedule`))
      assert(!(await taints()).includes(`${nodeTaint.key}:NoSchedule`))
      virtualNodes.apply(models, { taint: 'None' })
      await eventually('it has none', async () => !(await taints()).some((taint) => taint.startsWith(nodeTaint.key)))
    })

    it('says how early its Cluster wants it filled', async () => {
      const priority = async () => (await inRoot())?.metadata.annotations?.[placementPriorityAnnotation]
      virtualNodes.apply(models, { priority: 5 })
      await eventually('it is so', async () => (await priority()) === '5')
      virtualNodes.apply(models)
      await eventually('it is no more', async () => (await priority()) === '0')
    })

    it('never serves the pods of a real node that has the name', async () => {
      await root.client.create(nodes, { metadata: { name: 'gpu-1' } })
      take({ nodeSelector: { nodeName: 'gpu-1' } })
      await eventually('it says so', () => virtualNodes.refused?.reason === 'NodeNameTaken')
      assert(!told.includes('serves gpu-1'))
      take()
      await eventuallyNode('it is Ready', isReady)
      await eventually('it is forgotten', () => told.includes('retires gpu-1') && !virtualNodes.refused)
      await setTimeout(300)
      assert(!drained.has('gpu-1'), 'nor are they evicted when it is not described any more')
      await root.client.delete(nodes, { name: 'gpu-1' })
    })

    it('goes on as it is when what its Cluster says cannot be used', async () => {
      await eventuallyNode('it is Ready', isReady)
      virtualNodes.apply(undefined)
      await leafNode('more', { cpu: '1', pods: '1' })
      await eventuallyNode('it follows its leaf', ({ status }) => status?.allocatable?.cpu === '29')
      await leaf.client.delete(nodes, { name: 'more' })
      assert(!told.includes(`retires ${name}`))
    })
  })
})
