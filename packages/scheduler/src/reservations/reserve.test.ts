import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Reservations } from './reservations.ts'
import { reserve, type Waiting } from './reserve.ts'
import { isBefore } from './turn.ts'

const NOW = 1_000_000
const AFTER = 1000

const lacks = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'd'),
  fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
)
const waitingPod = fc.record({ priority: fc.nat(2), waited: fc.nat(8000), lacks })
const many = fc.array(waitingPod, { maxLength: 8 }).map((pods) =>
  pods.map(
    ({ priority, waited, lacks }, i): Waiting => ({
      turn: { key: `shop/p${i}`, priority, since: NOW - waited },
      awaited: Object.keys(lacks),
      lackOn: (node) => lacks[node],
    }),
  ),
)

describe('nodes that are kept for pods that wait for room', () => {
  it('are theirs one each: one that they wait for, and where an empty machine could hold them', () => {
    fc.assert(
      fc.property(many, (waiting) => {
        const { kept } = reserve(waiting, NOW, AFTER)
        const owners = [...kept.values()].map(({ key }) => key)
        assert.equal(new Set(owners).size, owners.length)
        for (const [node, { key }] of kept) {
          const owner = waiting.find(({ turn }) => turn.key === key) ?? assert.fail()
          assert.notEqual(owner.lackOn(node), undefined)
          for (const other of owner.awaited) assert((owner.lackOn(other) ?? 9) >= (owner.lackOn(node) ?? 9))
        }
      }),
    )
  })

  it('are never two for pods of the same choice, and the first in turn is not the one that goes without', () => {
    fc.assert(
      fc.property(many, (waiting) => {
        const same = waiting.map((one) => ({ ...one, awaited: ['a', 'b', 'c', 'd'] }))
        const { kept } = reserve(same, NOW, AFTER)
        assert(kept.size <= 1)
        const able = same.filter(({ turn, lackOn }) => {
          const waited = (NOW - turn.since) / AFTER
          const isKeeping = (waited >= 1 && waited < 2) || (waited >= 3 && waited < 5) || (waited >= 7 && waited < 11)
          return isKeeping && ['a', 'b', 'c', 'd'].some((node) => lackOn(node) !== undefined)
        })
        able.sort((a, b) => (isBefore(a.turn, b.turn) ? -1 : 1))
        assert.equal([...kept.values()][0]?.key, able[0]?.turn.key)
      }),
    )
  })

  it('are the same without one that no node could ever hold', () => {
    fc.assert(
      fc.property(many, fc.nat(20), (waiting, priority) => {
        const hopeless = {
          turn: { key: 'shop/x', priority, since: 0 },
          awaited: ['a', 'b', 'c', 'd'],
          lackOn: () => undefined,
        }
        assert.deepEqual(reserve([hopeless, ...waiting], NOW, AFTER).kept, reserve(waiting, NOW, AFTER).kept)
      }),
    )
  })

  it('are the same told one by one, in whatever order, also when some go again', () => {
    fc.assert(
      fc.property(many, fc.array(fc.nat(7)), (waiting, going) => {
        const reservations = new Reservations({ now: () => NOW, afterMs: AFTER })
        const there = new Map(waiting.map((one) => [one.turn.key, one]))
        const check = () => {
          const { kept } = reserve([...there.values()], NOW, AFTER)
          for (const node of ['a', 'b', 'c', 'd']) {
            const last = { key: 'shop/z', priority: -1, since: NOW }
            assert.equal(reservations.keptFrom(node, last)?.key, kept.get(node)?.key)
          }
        }
        there.clear()
        for (const one of waiting) {
          there.set(one.turn.key, one)
          reservations.add(one.turn.key, () => one)
          check()
        }
        for (const i of going) {
          there.delete(`shop/p${i}`)
          reservations.delete(`shop/p${i}`)
          check()
        }
      }),
    )
  })
})

describe('a node that is kept for a pod', () => {
  it('is kept from those that come later, and told once when it is not any more', () => {
    let now = NOW
    const reservations = new Reservations({ now: () => now, afterMs: AFTER })
    const turn = { key: 'shop/large', priority: 5, since: NOW - AFTER }
    reservations.add(turn.key, () => ({ turn, awaited: ['a'], lackOn: () => 0.5 }))
    const from = (other: Partial<typeof turn>) =>
      reservations.keptFrom('a', { ...turn, key: 'shop/other', ...other })?.key
    assert.equal(from({ since: NOW }), turn.key)
    assert.equal(from({ priority: 4, since: 0 }), turn.key)
    assert.equal(from({ priority: 6, since: NOW }), undefined)
    assert.equal(from({ since: 0 }), undefined)
    assert.equal(reservations.keptFrom('a', turn), undefined)
    assert.equal(reservations.keptFrom('b', { ...turn, key: 'shop/other', since: NOW }), undefined)
    assert.equal(reservations.nodeFor(turn.key), 'a')
    assert.equal(reservations.changesWithinMs(), AFTER)
    assert.deepEqual(reservations.takeReleased(), [])
    now += AFTER
    assert.deepEqual([reservations.takeReleased(), reservations.takeReleased()], [['a'], []])
    assert.equal(from({ since: NOW }), undefined)
  })
})
