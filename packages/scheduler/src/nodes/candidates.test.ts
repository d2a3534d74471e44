import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compareCandidates } from './candidates.ts'

const candidate = fc.record({
  hasRoom: fc.boolean(),
  priority: fc.integer({ min: -2, max: 2 }),
  isOwn: fc.boolean(),
  fit: fc.integer({ min: -101, max: 100 }),
})
const candidates = fc
  .array(candidate, { minLength: 1, maxLength: 6 })
  .map((all) => all.map((one, i) => ({ ...one, node: `n${i}` })))

describe('the order of nodes', () => {
  it('is one order, whichever way they are listed', () => {
    fc.assert(
      fc.property(candidates, (all) => {
        const sorted = [...all].sort(compareCandidates)
        assert.deepEqual([...all].reverse().sort(compareCandidates), sorted)
        // Transitive: each comes before all that follow.
        for (const [i, a] of sorted.entries()) {
          for (const b of sorted.slice(i + 1)) assert(compareCandidates(a, b) < 0)
        }
      }),
    )
  })

  it('never prefers a node without room, nor a lower priority, nor a leaf to the root itself', () => {
    fc.assert(
      fc.property(candidates, (all) => {
        const [first] = [...all].sort(compareCandidates)
        assert(first)
        const roomy = all.filter(({ hasRoom }) => hasRoom)
        assert.equal(first.hasRoom, roomy.length > 0)
        const equals = roomy.filter(({ priority }) => priority === Math.max(...roomy.map((one) => one.priority)))
        if (!first.hasRoom) return
        assert(equals.includes(first))
        assert.equal(
          first.isOwn,
          equals.some(({ isOwn }) => isOwn),
        )
        const kin = equals.filter(({ isOwn }) => isOwn === first.isOwn)
        assert.equal(first.fit, Math.max(...kin.map(({ fit }) => fit)))
        // The same question has the same answer.
        const [byName] = kin.filter(({ fit }) => fit === first.fit).map(({ node }) => node)
        assert.equal(first.node, byName)
      }),
    )
  })
})
