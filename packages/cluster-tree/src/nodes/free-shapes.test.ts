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

  it('is in the order of the scarcest, then of all that they have', () => {
    const [few, many] = ['2', '9'].map((gpus) => ({ cpu: '4', memory: '4Gi', 'nvidia.com/gpu': gpus }))
    assert.ok(few && many)
    for (const nodes of [
      [few, many],
      [many, few],
    ]) {
      assert.deepEqual(
        roomOf(...nodes).shapes.map(({ free }) => free),
        [many, few],
      )
    }
  })

  it('is one shape in whatever order nodes tell of what they have', () => {
    assert.equal(roomOf({ cpu: '4', memory: '4Gi' }, { memory: '4Gi', cpu: '4' }).shapes.length, 1)
  })

  const each = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i))

  it('is as exact as an eighth while the shapes are few enough', () => {
    // 8 to 15 Gi, with three amounts of cpu.
    const nodes = each(MAX_SHAPES, (i) => ({ cpu: `${1 + (i % 3)}`, memory: `${8 + Math.floor(i / 3)}Gi` }))
    const { shapes } = roomOf(...nodes)
    assert.deepEqual(
      shapes.map(({ nodes, free }) => [nodes, free.memory]).sort(),
      nodes.map(({ memory }) => [1, memory]).sort(),
    )
  })

  it('is rounded down to powers of two before shapes are given up', () => {
    const nodes = each(13, (b) => [`${1024 << b}Mi`, `${(1024 + 512) << b}Mi`]).flatMap((pair) =>
      pair.map((memory) => ({ cpu: '1', memory })),
    )
    assert.deepEqual(
      roomOf(...nodes).shapes.map(({ nodes }) => nodes),
      each(13, () => 2),
    )
  })

  it('is, of the poorest of too many, what all of these have', () => {
    const nodes = each(36, (i) => ({
      cpu: `${1 << (i % 6)}`,
      memory: `${1 << Math.floor(i / 6)}Gi`,
      pods: '9',
      // The first one is the poorest.
      ...(i > 0 && { 'nvidia.com/gpu': '1' }),
    }))
    const { shapes } = roomOf(...nodes)
    assert.equal(shapes.length, MAX_SHAPES)
    assert.ok(shapes.slice(0, -1).every(({ nodes, free }) => nodes === 1 && free['nvidia.com/gpu'] === '1'))
    assert.deepEqual(shapes.at(-1), { nodes: 36 - MAX_SHAPES + 1, free: { cpu: '1', memory: '1Gi', pods: '9' } })
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
      {
        // Two of one sum, as long as it is added up in one order.
        examples: [
          [
            [
              { cpu: '160000m', memory: '184549376', 'nvidia.com/gpu': '7' },
              { cpu: '0', 'nvidia.com/gpu': '14' },
              { cpu: '0', memory: '480Gi' },
              { cpu: '80000m', memory: '176Mi', pods: '1' },
              { cpu: '0', pods: '1' },
            ],
          ],
        ],
      },
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
