import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { emptyShapesAnnotation, freeShapesAnnotation, largestPodAnnotation } from '@kosmos/api'
import type { Node } from '@kosmos/kube'
import { CapacityLedger } from './capacity.ts'
import { stampOf } from './carried-identity.ts'
import type { LeafHealth } from './conditions.ts'
import { type Members, type VirtualNodeFacts, virtualNode, virtualNodeStatus } from './template.ts'

interface Parts {
  readonly labels?: Readonly<Record<string, string>>
  readonly architecture?: string
}

function leafNode(name: string, { labels = {}, architecture = 'arm64' }: Parts = {}): Node {
  return {
    metadata: { name, uid: name, resourceVersion: '1', labels },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      allocatable: { cpu: '2', pods: '110' },
      capacity: { cpu: '4', pods: '110' },
      nodeInfo: {
        operatingSystem: 'linux',
        architecture,
        bootID: 'b',
        containerRuntimeVersion: 'containerd://2.2.1',
        kernelVersion: '6.18',
        kubeProxyVersion: '',
        kubeletVersion: 'v1.36.0',
        machineID: name,
        osImage: 'Debian',
        systemUUID: name,
      },
    },
  }
}

const east = { clusterName: 'east', leafId: 'leaf-1' }
const whole = { name: 'kosmos-east', kind: 'cluster', model: {} } as const
const labelsOf = (...leafNodes: readonly Node[]) => virtualNode(whole, east, { members: leafNodes }).metadata.labels

const offered = new CapacityLedger()
offered.setNode(leafNode('n1'), whole.name)
const facts: VirtualNodeFacts = {
  model: whole,
  version: 'v1.37.2',
  members: [leafNode('n1')],
  offer: offered.offer(whole.name),
  health: { kind: 'ready' },
  pressures: new Set(),
  endpoint: { address: '192.0.2.9', port: 10250 },
  present: undefined,
  now: Date.parse('2026-01-01T00:00:00.789Z'),
}

describe('a virtual node', () => {
  it('looks like the original’s: label, taint, annotations', () => {
    const { metadata, spec } = virtualNode(whole, east, { members: [leafNode('n1')] })
    assert.equal(metadata.labels['kosmos.io/node'], 'true')
    assert.equal(metadata.labels['kubernetes.io/role'], 'agent')
    assert.equal(metadata.labels['kubernetes.io/hostname'], 'kosmos-east')
    assert.deepEqual(spec.taints, [{ key: 'kosmos.io/node', value: 'true', effect: 'NoSchedule' }])
    assert.equal(metadata.annotations['kosmos-io/owned-by-cluster'], 'east')
    assert.equal(metadata.annotations.leafNodeMode, 'one2cluster')
  })

  it('says how early its Cluster wants it filled', () => {
    const of = (priority?: number) =>
      virtualNode(whole, east, { members: [], ...(priority !== undefined && { priority }) }).metadata.annotations
    assert.equal(of(7)['kosmos.io/placement-priority'], '7')
    assert.equal(of()['kosmos.io/placement-priority'], '0')
  })

  it('names its cluster', () => {
    assert.equal(labelsOf()['kosmos.io/cluster'], 'east')
  })

  it('has the system and architecture of its leaf nodes', () => {
    const labels = labelsOf(leafNode('n1'), leafNode('n2'))
    assert.equal(labels['kubernetes.io/os'], 'linux')
    assert.equal(labels['kubernetes.io/arch'], 'arm64')
  })

  it('takes no traffic of the load balancers of the root, whose ports nobody listens on here', () => {
    assert.equal(labelsOf()['node.kubernetes.io/exclude-from-external-load-balancers'], 'true')
  })

  it('remembers what of it is ours, to leave alone what others add', () => {
    const { metadata, spec } = virtualNode(whole, east, { members: [] })
    assert.equal(metadata.annotations['kosmos.io/node-carries'], stampOf(metadata.labels, spec.taints ?? []))
  })

  it('claims no architecture in which its leaf nodes differ, and says so where the API wants a word', () => {
    const members = [leafNode('n1'), leafNode('n2', { architecture: 'amd64' })]
    assert.ok(!('kubernetes.io/arch' in labelsOf(...members)))
    const { nodeInfo } = virtualNodeStatus({ ...facts, members })
    assert.deepEqual([nodeInfo?.architecture, nodeInfo?.operatingSystem], ['', 'linux'])
  })

  for (const label of [
    'topology.kubernetes.io/region',
    'topology.kubernetes.io/zone',
    'node.kubernetes.io/instance-type',
  ]) {
    it(`has ${label} of its leaf nodes, if all of them have the same`, () => {
      const of = (...values: string[]) =>
        labelsOf(...values.map((value, i) => leafNode(`n${i}`, { labels: value ? { [label]: value } : {} })))[label]
      assert.deepEqual([of('a', 'a'), of('a', 'b'), of('a', ''), of()], ['a', undefined, undefined, undefined])
    })
  }
})

describe('a virtual node for a part of a leaf', () => {
  const labels = { pool: 'gpu', 'node-role.kubernetes.io/worker': '', 'kubernetes.io/hostname': 'n1.example' }
  const taints = [
    { key: 'gpu', value: 'yes', effect: 'NoSchedule' },
    { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
  ]
  const n1: Node = { ...leafNode('n1'), spec: { taints } }
  const worker: Node = { ...n1, metadata: { ...n1.metadata, labels } }
  const one = { name: 'n1', kind: 'node', model: { nodeSelector: { nodeName: 'n1' } } } as const
  const group = { name: 'kosmos-gpu-0', kind: 'group', model: {} } as const

  it('has the labels of its one leaf node, without its role and its address', () => {
    const { metadata } = virtualNode(one, east, { members: [worker] })
    assert.equal(metadata.labels.pool, 'gpu')
    assert.ok(!('node-role.kubernetes.io/worker' in metadata.labels))
    assert.equal(metadata.labels['kubernetes.io/hostname'], 'n1')
    assert.equal(metadata.annotations.leafNodeMode, 'one2one')
  })

  it('has the taints of its one leaf node, without those that the root derives itself', () => {
    const keys = virtualNode(one, east, { members: [worker] }).spec.taints?.map(({ key }) => key)
    assert.deepEqual(keys, ['kosmos.io/node', 'gpu'])
  })

  it('has its leaf node’s version and machine', () => {
    const { nodeInfo } = virtualNodeStatus({ ...facts, model: one, members: [worker] })
    assert.deepEqual([nodeInfo?.kubeletVersion, nodeInfo?.machineID], ['v1.36.0', 'n1'])
  })

  it('declares what its leaf nodes do, and nothing rather than an empty list, which no API server keeps', () => {
    const old = { ...facts, version: 'v1.30.0' }
    const members = [{ ...worker, status: { ...worker.status, declaredFeatures: ['A'] } }] as Node[]
    assert.deepEqual(virtualNodeStatus({ ...old, members }).declaredFeatures, ['A'])
    assert.ok(!('declaredFeatures' in virtualNodeStatus(old)))
    const present = { ...worker, status: { declaredFeatures: ['A'] } } as Node
    assert.deepEqual(virtualNodeStatus({ ...old, present }).declaredFeatures, [])
  })

  it('has its leaf node’s images, by which schedulers choose, and none that only one of many has', () => {
    const images = [{ names: ['nginx:1'], sizeBytes: 1 }]
    const members = [{ ...worker, status: { ...worker.status, images } }]
    assert.deepEqual(virtualNodeStatus({ ...facts, model: one, members }).images, images)
    assert.equal(virtualNodeStatus({ ...facts, model: group, members }).images, undefined)
  })

  it('keeps pods away as far as its Cluster wants', () => {
    const effects = (settings: Partial<Members>) =>
      virtualNode(group, east, { members: [], ...settings }).spec.taints?.map(({ effect }) => effect)
    assert.deepEqual(effects({}), ['NoSchedule'])
    assert.deepEqual(effects({ taint: 'PreferNoSchedule' }), ['PreferNoSchedule'])
    assert.deepEqual(effects({ taint: 'None' }), [])
  })

  it('says how much room is left in single leaf nodes', () => {
    const free = { cpu: '4', memory: '8Gi' }
    const room = { shapes: [{ nodes: 2, free }], largest: free }
    const empty = [{ nodes: 2, free: { cpu: '8', memory: '16Gi' } }]
    const { annotations } = virtualNode(group, east, { members: [worker], room, empty }).metadata
    assert.deepEqual(JSON.parse(annotations[emptyShapesAnnotation] ?? ''), empty)
    assert.deepEqual(JSON.parse(annotations[freeShapesAnnotation] ?? ''), [{ nodes: 2, free }])
    assert.deepEqual(JSON.parse(annotations[largestPodAnnotation] ?? ''), free)
    const full = virtualNode(group, east, { members: [worker], room: { shapes: [], largest: undefined } })
    assert.equal(full.metadata.annotations[largestPodAnnotation], '{}')
  })

  it('has neither labels nor taints of single nodes when it is a group', () => {
    const { metadata, spec } = virtualNode(group, east, { members: [worker] })
    assert.ok(!('pool' in metadata.labels))
    assert.equal(spec.taints?.length, 1)
    assert.equal(metadata.annotations.leafNodeMode, 'one2party')
  })

  it('has the labels and taints that its model gives it, but for those that say what it is', () => {
    const model = {
      labels: { tier: 'gold', 'kosmos.io/node': 'false', 'kosmos.io/cluster': 'west' },
      taints: [taints[0], { key: 'kosmos.io/node', effect: 'NoSchedule' }] as never,
    }
    const { metadata, spec } = virtualNode({ ...group, model }, east, { members: [] })
    assert.equal(metadata.labels.tier, 'gold')
    assert.deepEqual([metadata.labels['kosmos.io/node'], metadata.labels['kosmos.io/cluster']], ['true', 'east'])
    assert.deepEqual(
      spec.taints?.map(({ key, value }) => [key, value]),
      [
        ['kosmos.io/node', 'true'],
        ['gpu', 'yes'],
      ],
    )
  })
})

describe('the status of a virtual node', () => {
  const unreachable: LeafHealth = { kind: 'unknown', reason: 'LeafUnreachable', message: 'connect ETIMEDOUT' }
  const asNode = (status: Node['status']): Node => ({ ...leafNode('kosmos-east'), ...(status && { status }) })
  const ready = (status: Node['status']) => status?.conditions?.find(({ type }) => type === 'Ready')

  it('has the leaf’s version and offer', () => {
    const status = virtualNodeStatus(facts)
    assert.equal(status.nodeInfo?.kubeletVersion, 'v1.37.2')
    assert.deepEqual(status.capacity, { cpu: '4', pods: '110' })
    assert.deepEqual(status.allocatable, { cpu: '2', pods: '110' })
  })

  it('says where its kubelet API is', () => {
    const status = virtualNodeStatus(facts)
    assert.deepEqual(status.addresses, [
      { type: 'InternalIP', address: '192.0.2.9' },
      { type: 'Hostname', address: 'kosmos-east' },
    ])
    assert.equal(status.daemonEndpoints?.kubeletEndpoint?.Port, 10250)
    const byName = virtualNodeStatus({ ...facts, endpoint: { address: 'tree.kosmos-system.svc', port: 10250 } })
    assert.equal(byName.addresses?.[0]?.type, 'InternalDNS')
    const notYet = virtualNodeStatus({ ...facts, endpoint: undefined })
    assert.deepEqual(notYet.addresses, [{ type: 'Hostname', address: 'kosmos-east' }])
    assert.equal(notYet.daemonEndpoints, undefined)
  })

  it('is under a pressure that its leaf nodes are under', () => {
    const { conditions } = virtualNodeStatus({ ...facts, pressures: new Set(['DiskPressure'] as const) })
    const disk = conditions?.find(({ type }) => type === 'DiskPressure')
    assert.deepEqual([disk?.status, disk?.reason], ['True', 'KubeletHasDiskPressure'])
  })

  it('is Ready, under no pressure and on the network', () => {
    const { conditions } = virtualNodeStatus(facts)
    assert.deepEqual(
      conditions?.map(({ type, status }) => [type, status]),
      [
        ['Ready', 'True'],
        ['MemoryPressure', 'False'],
        ['DiskPressure', 'False'],
        ['PIDPressure', 'False'],
        ['NetworkUnavailable', 'False'],
      ],
    )
  })

  it('says why it is not ready, and not to know when the leaf does not answer', () => {
    const unknown = ready(virtualNodeStatus({ ...facts, health: unreachable }))
    assert.deepEqual(
      [unknown?.status, unknown?.reason, unknown?.message],
      ['Unknown', 'LeafUnreachable', 'connect ETIMEDOUT'],
    )
    const health: LeafHealth = { kind: 'notReady', reason: 'NoReadyLeafNode', message: 'none of 3 nodes is ready' }
    assert.equal(ready(virtualNodeStatus({ ...facts, health }))?.status, 'False')
  })

  it('is equal to what it was when nothing changed, however much later', () => {
    const first = virtualNodeStatus(facts)
    assert.deepEqual(virtualNodeStatus({ ...facts, present: asNode(first), now: facts.now + 3_600_000 }), first)
  })

  it('keeps the time of a transition until there is another', () => {
    const first = virtualNodeStatus(facts)
    const later = virtualNodeStatus({ ...facts, present: asNode(first), health: unreachable, now: facts.now + 60_000 })
    assert.equal(ready(later)?.lastTransitionTime, '2026-01-01T00:01:00Z')
    const reworded: LeafHealth = { ...unreachable, message: 'connect ECONNREFUSED' }
    const again = virtualNodeStatus({ ...facts, present: asNode(later), health: reworded, now: facts.now + 120_000 })
    assert.equal(ready(again)?.message, 'connect ECONNREFUSED')
    assert.equal(ready(again)?.lastTransitionTime, '2026-01-01T00:01:00Z')
  })

  it('takes NetworkUnavailable back from a route controller and keeps conditions it does not know', () => {
    const claimed = { type: 'NetworkUnavailable', status: 'True', reason: 'NoRouteCreated' }
    const custom = { type: 'example.com/KernelDeadlock', status: 'False' }
    const { conditions } = virtualNodeStatus({ ...facts, present: asNode({ conditions: [claimed, custom] }) })
    assert.equal(conditions?.find(({ type }) => type === 'NetworkUnavailable')?.status, 'False')
    assert.deepEqual(
      conditions?.find(({ type }) => type === custom.type),
      custom,
    )
  })
})
