import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { controllersUntil, toEndMs, toLeaveLeafMs, toReachLeafMs } from './shares.ts'

describe('the time of a forced unjoin', () => {
  const seconds = fc.integer({ min: 4, max: 3_600 }).map((s) => s * 1_000)

  it('of 20 s is 5 s to reach the leaf, and half of the rest for the controllers and for the leaf each', () => {
    assert.equal(toReachLeafMs(20_000), 5_000)
    assert.equal(controllersUntil(5_000, 20_000, false), 12_500)
    assert.equal(toLeaveLeafMs(12_500, 20_000), 7_500)
  })

  it('leaves at least as much for the leaf as for the controllers, whatever it was given', () => {
    fc.assert(
      fc.property(seconds, (total) => {
        const reached = toReachLeafMs(total)
        const until = controllersUntil(reached, total, false)
        assert.ok(until >= reached && until <= total)
        assert.ok(toLeaveLeafMs(until, total) >= until - reached)
      }),
    )
  })

  it('keeps a tenth for the end, at most 10 s', () => {
    assert.equal(toEndMs(20_000), 2_000)
    assert.equal(toEndMs(3_600_000), 10_000)
  })

  it('is not spent on controllers without a leaf, nor for longer than 20 s', () => {
    assert.equal(controllersUntil(1_000, 110_000, true), 1_000)
    assert.equal(controllersUntil(1_000, 3_600_000, false), 21_000)
  })

  it('that is over lets the leaf have a second, and the controllers nothing', () => {
    assert.equal(controllersUntil(30_000, 20_000, false), 30_000)
    assert.equal(toLeaveLeafMs(30_000, 20_000), 1_000)
  })
})
