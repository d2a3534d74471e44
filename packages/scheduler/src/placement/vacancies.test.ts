import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { nodeLabel } from '@kosmos/api'
import type { Node, Pod } from '@kosmos/kube'
import { compiled, podLike } from '../pods.fixture.ts'
import { earliest, Vacancies } from './vacancies.ts'

const policy = compiled({ allocationPolicy: [{ name: 'leaf1', weight: 1 }] })
const leaf = (machines: number, labels = {}): Node => {
  const shapes = JSON.stringify([{ nodes: machines, free: { cpu: '4', pods: '9' } }])
  const annotations = { 'kosmos.io/free-shapes': shapes, 'kosmos.io/empty-shapes': shapes }
  return {
    metadata: {
      name: 'kosmos-leaf1',
      uid: 'leaf1',
      resourceVersion: '1',
      labels: { [nodeLabel]: 'true', ...labels },
      annotations,
    },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  }
}
const asking = (cpu: number, parts: Parameters<typeof podLike>[0] = {}): Pod =>
  podLike({
    ...parts,
    spec: { ...parts.spec, containers: [{ name: 'main', resources: { requests: { cpu: `${cpu}` } } }] },
  })

describe('a node that says something else of itself', () => {
  let now = 0
  let nodes: Map<string, Node>
  let vacancies: Vacancies
  const set = (node: Node) => {
    const { name } = node.metadata
    const old = nodes.get(name)
    nodes.set(name, node)
    return vacancies.setNode(node, old)
  }
  const offer = (cpu: number) => vacancies.choose(asking(cpu), { policy }, vacancies.nodesFor(asking(cpu))).offer
  beforeEach(() => {
    now = 1_000_000
    nodes = new Map()
    vacancies = new Vacancies({
      nodes: { get: (name) => nodes.get(name), values: () => nodes.values() },
      now: () => now,
      reserveAfterMs: 60_000,
    })
  })

  it('is another node to pods if its labels, taints or readiness are others, not if only its room is', () => {
    assert.equal(set(leaf(1)), true)
    assert.equal(set(leaf(2)), false)
    assert.equal(set(leaf(2, { zone: 'a' })), true)
    assert.equal(set({ ...leaf(2), spec: { unschedulable: true } }), true)
    assert.equal(offer(1), 'noNode')
  })

  it('offers nothing once it is gone, and what it says when it is back', () => {
    set(leaf(1))
    assert.deepEqual([offer(4), offer(5)], ['room', 'noRoom'])
    nodes.delete('kosmos-leaf1')
    vacancies.deleteNode('kosmos-leaf1')
    assert.equal(offer(4), 'noNode')
    assert.equal(vacancies.mayTake(asking(5), 'kosmos-leaf1'), true, 'nothing is known of it')
    set(leaf(1))
    assert.deepEqual([offer(4), offer(5)], ['room', 'noRoom'])
  })

  it('is asked again where more of its machines have room than when it refused, which is told once', () => {
    set(leaf(1))
    const refused = asking(2, { spec: { nodeName: 'kosmos-leaf1' } })
    vacancies.refuse(refused, policy, 'no node fits')
    assert.equal(offer(2), 'refused')
    set(leaf(1))
    assert.deepEqual(vacancies.takeReopened(), [])
    set(leaf(2))
    assert.equal(offer(2), 'room')
    assert.deepEqual(vacancies.takeReopened(), [policy.key])
    assert.deepEqual(vacancies.takeReopened(), [])
  })

  it('is kept for who waits longest as long as it could hold that one', () => {
    set(leaf(1))
    const waiting = asking(4, { name: 'large' })
    const created = new Date(now - 61_000).toISOString()
    const large = { ...waiting, metadata: { ...waiting.metadata, creationTimestamp: created } }
    vacancies.wait(large, policy, () => ['kosmos-leaf1'])
    assert.equal(offer(1), 'reserved')
    const { metadata, ...rest } = leaf(1)
    const tiny = JSON.stringify([{ nodes: 1, free: { cpu: '3', pods: '9' } }])
    const annotations = { 'kosmos.io/free-shapes': tiny, 'kosmos.io/empty-shapes': tiny }
    set({ ...rest, metadata: { ...metadata, annotations } })
    assert.equal(offer(1), 'room')
  })

  it('is kept for nobody once it is gone, or who waited is', () => {
    const since = new Date(now - 61_000).toISOString()
    const waiting = asking(4, { name: 'large' })
    const large = { ...waiting, metadata: { ...waiting.metadata, creationTimestamp: since } }
    for (const end of [() => vacancies.deleteNode('kosmos-leaf1'), () => vacancies.delete('shop/large')]) {
      set(leaf(1))
      vacancies.wait(large, policy, () => ['kosmos-leaf1'])
      assert.equal(offer(1), 'reserved')
      end()
      assert.deepEqual(vacancies.takeFreed(), ['kosmos-leaf1'])
    }
    assert.equal(offer(1), 'room')
  })

  it('tells of a pod that runs, and not of one that does not run yet', () => {
    for (const [phase, then] of [
      ['Pending', 'noRoom'],
      ['Running', 'room'],
    ] as const) {
      set(leaf(1))
      vacancies.count(asking(1, { name: 'a', spec: { nodeName: 'kosmos-leaf1' }, status: { phase } }), 'shop/a')
      assert.equal(offer(4), 'noRoom')
      now += 9_000
      assert.equal(offer(4), then, phase)
      vacancies.delete('shop/a')
    }
  })

  it('is refused by a pod that was sent there, also when it is full by now, and open when that one is bound after all', () => {
    set(leaf(1))
    const aimed = asking(5, { annotations: { 'kosmos.io/room-at': 'kosmos-leaf1' } })
    assert.deepEqual(vacancies.triedFor(asking(5)), ['kosmos-leaf1'])
    const elsewhere = asking(5, { annotations: { 'kosmos.io/room-at': 'kosmos-leaf2' } })
    assert.deepEqual(vacancies.triedFor(elsewhere), ['kosmos-leaf2', 'kosmos-leaf1'])
    vacancies.refuse(aimed, policy, 'no node fits')
    assert.equal(offer(5), 'refused')
    assert.equal(vacancies.accept({ ...aimed, spec: { ...aimed.spec, nodeName: 'kosmos-leaf1' } }, policy), true)
    assert.deepEqual([vacancies.takeFreed(), vacancies.takeFreed()], [['kosmos-leaf1'], []])
    assert.equal(offer(5), 'noRoom')
  })
})

describe('the earliest of some times', () => {
  it('is the least that is known', () => {
    assert.equal(earliest([5, undefined, 3, 4]), 3)
    assert.equal(earliest([undefined]), undefined)
  })
})
