import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { backoffMs } from './backoff.ts'

describe('the pause after failures', () => {
  it('doubles from the shortest to the longest', () => {
    const pauses = [1, 2, 3, 4, 5, 6].map((failures) => backoffMs(failures, { minMs: 100, maxMs: 1_000, jitter: 0 }))
    assert.deepEqual(pauses, [100, 200, 400, 800, 1_000, 1_000])
  })

  it('is a tenth of a second at first and half a minute at last, of which up to three tenths are random', () => {
    assert.deepEqual(
      [1, 2, 1_000].map((failures) => backoffMs(failures, { random: () => 0 })),
      [100, 200, 30_000],
    )
    assert.equal(Math.round(backoffMs(1, { random: () => 1 })), 70)
  })

  it('stays within its bounds for any number of failures, and within the share that may be random', () => {
    const cases = fc.record({
      failures: fc.nat({ max: 1e9 }),
      minMs: fc.integer({ min: 1, max: 1_000 }),
      more: fc.integer({ min: 0, max: 100_000 }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    })
    fc.assert(
      fc.property(cases, ({ failures, minMs, more, jitter, chance }) => {
        const limits = { minMs, maxMs: minMs + more }
        const full = backoffMs(failures, { ...limits, jitter: 0 })
        const pause = backoffMs(failures, { ...limits, jitter, random: () => chance })
        assert.ok(full >= limits.minMs && full <= limits.maxMs)
        assert.ok(pause <= full && pause >= full * (1 - jitter))
        assert.ok(backoffMs(failures + 1, { ...limits, jitter: 0 }) >= full)
      }),
    )
  })

  it('differs between many who failed together', () => {
    const pauses = new Set(Array.from({ length: 50 }, () => backoffMs(3)))
    assert.ok(pauses.size > 1)
  })
})
