import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatResources, parseResources } from '@kosmos/kube'
import fc from 'fast-check'
import { type Bin, binsOf, hasRoom, packed } from './room.ts'

const node = (annotations: Record<string, string> = {}, allocatable?: Record<string, string>) => ({
  metadata: { name: 'n', uid: 'u', resourceVersion: '1', annotations },
  status: { ...(allocatable && { allocatable }) },
})
const shapes = (...all: object[]) => ({ 'kosmos.io/free-shapes': JSON.stringify(all) })
const none = parseResources({})
const plain = (bins: readonly Bin[] | undefined) => bins?.map(({ machines, free }) => [machines, formatResources(free)])

describe('the machines of a node', () => {
  it('are those that a virtual node publishes', () => {
    const virtual = node(shapes({ nodes: 3, free: { cpu: '4' } }, { nodes: 1, free: { cpu: '1' } }), { cpu: '13' })
    assert.deepEqual(plain(binsOf(virtual, none)), [
      [3, { cpu: '4' }],
      [1, { cpu: '1' }],
    ])
  })

  it('are itself, less what its pods take', () => {
    assert.deepEqual(plain(binsOf(node({}, { cpu: '4', pods: '10' }), parseResources({ cpu: '3', pods: '2' }))), [
      [1, { cpu: '1', pods: '8' }],
    ])
  })

  it('are not known where nothing, or nonsense, is said', () => {
    assert.equal(binsOf(node(), none), undefined)
    for (const text of ['', '{', '{"nodes": 1}', '[{"nodes": 1, "free": {"cpu": "lots"}}]']) {
      assert.equal(binsOf(node({ 'kosmos.io/free-shapes': text }), none), undefined, text)
    }
  })
})

describe('a pod that is packed', () => {
  const cpu = (amount: number) => parseResources({ cpu: `${amount}` })
  const machine = fc.record({ machines: fc.integer({ min: 1, max: 3 }), free: fc.nat(8).map(cpu) })
  const total = (bins: readonly Bin[]) =>
    bins.reduce((sum, { machines, free }) => sum + machines * (free.get('cpu')?.toNumber() ?? 0), 0)
  const count = (bins: readonly Bin[]) => bins.reduce((sum, { machines }) => sum + machines, 0)

  it('takes exactly its own of one machine, and fits if and only if one machine has room', () => {
    fc.assert(
      fc.property(fc.array(machine), fc.integer({ min: 1, max: 8 }), (bins, amount) => {
        const after = packed(bins, cpu(amount))
        assert.equal(
          after !== undefined,
          bins.some(({ free }) => hasRoom(free, cpu(amount))),
        )
        if (after === undefined) return
        assert.equal(total(after), total(bins) - amount)
        assert.equal(count(after), count(bins))
        for (const { free } of after) assert((free.get('cpu')?.sign ?? 0) >= 0)
      }),
    )
  })

  it('goes where it leaves the least, so that large pods find room later', () => {
    const bins = [
      { machines: 2, free: cpu(8) },
      { machines: 1, free: cpu(3) },
    ]
    assert.deepEqual(plain(packed(bins, cpu(2))), [
      [2, { cpu: '8' }],
      [1, { cpu: '1' }],
    ])
  })

  it('does not fit where a machine lacks a kind of resource', () => {
    assert.equal(
      packed([{ machines: 1, free: cpu(8) }], parseResources({ cpu: '1', 'nvidia.com/gpu': '1' })),
      undefined,
    )
  })
})
