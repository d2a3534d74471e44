import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseQuantity, parseResources } from '@kosmos/kube'
import fc from 'fast-check'
import { type Amounts, freeRoom, MAX_SHAPES } from './free-shapes.ts'

const roomOf = (...nodes: Amounts[]) => freeRoom(nodes.map(parseResources))

describe('the room in leaf nodes', () => {
  it('is one shape for nodes of about the same, rounded down', () => {
    const { shapes } = roomOf(
      { cpu: '3900m', memory: '7900Mi', pods: '100' },
      { cpu: '3850m', memory: '7700Mi', pods: '103' },
    )
    assert.deepEqual(shapes, [{ nodes: 2, free: { cpu: '3840m', memory: '7680Mi', pods: '96' } }])
  })

  it('tells a large hole from many small ones', () => {
    const small = { cpu: '1', memory: '1Gi', pods: '50' }
    const { shapes, largest } = roomOf(small, small, { cpu: '6', memory: '12Gi', pods: '5' }, small)
    assert.deepEqual(
      shapes.map(({ nodes, free }) => [nodes, free.cpu]),
      [
        [1, '6'],
        [3, '1'],
      ],
    )
    assert.deepEqual(largest, { cpu: '6', memory: '12Gi' })
  })

  it('is largest where cpu and memory are there together', () => {
    const { largest } = roomOf(
      { cpu: '15', memory: '64Mi', pods: '9' },
      { cpu: '2', memory: '2Gi', pods: '9' },
      { cpu: '10m', memory: '8Gi', pods: '9' },
    )
    assert.deepEqual(largest, { cpu: '2', memory: '2Gi' })
  })

  it('keeps devices exact', () => {
    const { shapes } = roomOf({ cpu: '1', 'nvidia.com/gpu': '7' }, { cpu: '1', 'nvidia.com/gpu': '0' })
    assert.deepEqual(
      shapes.map(({ free }) => free['nvidia.com/gpu']),
      ['7', undefined],
    )
  })

  it('is none in nodes that take no more pods', () => {
    assert.deepEqual(roomOf({ cpu: '4', pods: '0' }, {}), { shapes: [], largest: undefined })
    assert.deepEqual(freeRoom([]), { shapes: [], largest: undefined })
  })
})

describe('any leaf nodes', () => {
  const cpu = fc.oneof(
    fc.nat(200_000).map((milli) => `${milli}m`),
    fc.nat(64).map(String),
  )
  const memory = fc.oneof(
    fc.nat(2 ** 31 - 1).map(String),
    fc.nat(4096).map((n) => `${n}Mi`),
    fc.nat(512).map((n) => `${n}Gi`),
  )
  const node = fc.record(
    { cpu, memory, pods: fc.nat(250).map(String), 'nvidia.com/gpu': fc.nat(16).map(String) },
    { requiredKeys: ['cpu'] },
  )
  const nodes = fc.array(node, { maxLength: 200 })
  const holds = (free: Amounts, wanted: Amounts) =>
    Object.entries(wanted).every(
      ([name, amount]) => parseQuantity(free[name] ?? '0').compare(parseQuantity(amount)) >= 0,
    )

  it('are each counted once, in few shapes, and no shape promises what its nodes have not got', () => {
    fc.assert(
      fc.property(nodes, (all) => {
        const { shapes } = roomOf(...all)
        assert.ok(shapes.length <= MAX_SHAPES)
        const open = all.filter(({ pods }) => pods !== '0')
        assert.equal(
          shapes.reduce((sum, shape) => sum + shape.nodes, 0),
          open.length,
        )
        for (const { free, nodes } of shapes) {
          // Counts as many as say so, be it in several shapes.
          const said = shapes.filter((other) => holds(other.free, free)).reduce((sum, other) => sum + other.nodes, 0)
          assert.ok(said >= nodes && open.filter((node) => holds(node, free)).length >= said, JSON.stringify(free))
        }
      }),
    )
  })

  it('have the same room in any order', () => {
    fc.assert(
      fc.property(nodes, (all) => {
        assert.deepEqual(roomOf(...all.toReversed()), roomOf(...all))
      }),
    )
  })

  it('have room for the largest pod in one of them, and an amount that is alone loses an eighth at most', () => {
    fc.assert(
      fc.property(nodes, (all) => {
        const { largest } = roomOf(...all)
        if (largest) assert.ok(all.some((node) => holds(node, largest)))
      }),
    )
    fc.assert(
      fc.property(node, (one) => {
        fc.pre(one.pods !== '0')
        const free = roomOf(one).shapes[0]?.free ?? {}
        for (const [name, amount] of Object.entries(one)) {
          const [had, left] = [parseQuantity(amount).toNumber(), parseQuantity(free[name] ?? '0').toNumber()]
          assert.ok(left >= Math.floor(had * 1000) * 0.000875 - 1e-9, `${name}: ${left} of ${had}`)
        }
      }),
    )
  })
})
