import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '@kosmos/kube'
import { CapacityLedger } from './capacity.ts'
import type { LeafHealth } from './conditions.ts'
import { type VirtualNodeFacts, virtualNode, virtualNodeStatus } from './template.ts'

interface Parts {
  readonly zone?: string
  readonly region?: string
  readonly architecture?: string
}

function leafNode(name: string, { zone, region, architecture = 'arm64' }: Parts = {}): Node {
  return {
    metadata: {
      name,
      uid: name,
      resourceVersion: '1',
      labels: {
        ...(region && { 'topology.kubernetes.io/region': region }),
        ...(zone && { 'topology.kubernetes.io/zone': zone }),
      },
    },
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
const labelsOf = (...leafNodes: readonly Node[]) => virtualNode('kosmos-east', east, leafNodes).metadata.labels

describe('a virtual node', () => {
  it('looks like the original’s: label, taint, annotations', () => {
    const { metadata, spec } = virtualNode('kosmos-east', east, [leafNode('n1')])
    assert.equal(metadata.labels['kosmos.io/node'], 'true')
    assert.equal(metadata.labels['kubernetes.io/role'], 'agent')
    assert.equal(metadata.labels['kubernetes.io/hostname'], 'kosmos-east')
    assert.deepEqual(spec.taints, [{ key: 'kosmos.io/node', value: 'true', effect: 'NoSchedule' }])
    assert.equal(metadata.annotations['kosmos-io/owned-by-cluster'], 'east')
    assert.equal(metadata.annotations.leafNodeMode, 'one2cluster')
  })

  it('names its cluster', () => {
    assert.equal(labelsOf()['kosmos.io/cluster'], 'east')
  })

  it('has the system and architecture of its leaf nodes', () => {
    const labels = labelsOf(leafNode('n1'), leafNode('n2'))
    assert.equal(labels['kubernetes.io/os'], 'linux')
    assert.equal(labels['kubernetes.io/arch'], 'arm64')
  })

  it('claims no architecture, region or zone in which its leaf nodes differ', () => {
    const labels = labelsOf(
      leafNode('n1', { region: 'eu', zone: 'eu-1' }),
      leafNode('n2', { region: 'eu', zone: 'eu-2', architecture: 'amd64' }),
    )
    assert.equal(labels['topology.kubernetes.io/region'], 'eu')
    assert.ok(!('topology.kubernetes.io/zone' in labels))
    assert.ok(!('kubernetes.io/arch' in labels))
  })

  it('claims no zone that one of its leaf nodes lacks', () => {
    assert.ok(!('topology.kubernetes.io/zone' in labelsOf(leafNode('n1', { zone: 'eu-1' }), leafNode('n2'))))
  })
})

describe('the status of a virtual node', () => {
  const offered = new CapacityLedger()
  offered.setNode(leafNode('n1'))
  const facts: VirtualNodeFacts = {
    name: 'kosmos-east',
    version: 'v1.37.2',
    leafNodes: [leafNode('n1')],
    offer: offered.offer(),
    health: { kind: 'ready' },
    endpoint: { address: '192.0.2.9', port: 10250 },
    present: undefined,
    now: Date.parse('2026-01-01T00:00:00.789Z'),
  }
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
