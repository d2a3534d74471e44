import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Settling } from './settling.ts'

const STILL_MS = 500

/** Moves a key after each of the gaps and asks at every millisecond; returns when it was moved, and when it was due. */
function play(gaps: readonly { readonly afterMs: number; readonly withinMs: number }[]) {
  let now = 0
  const settling = new Settling<string>({ stillMs: STILL_MS, now: () => now })
  const moves: { at: number; latestAt: number }[] = []
  const due: number[] = []
  for (const { afterMs, withinMs } of [...gaps, { afterMs: 10_000, withinMs: 0 }]) {
    for (const end = now + afterMs; now < end; now++) {
      if (settling.size > 0 && settling.dueInMs('a') === 0) due.push(now)
    }
    if (withinMs === 0) continue
    settling.moved('a', withinMs)
    moves.push({ at: now, latestAt: now + withinMs })
  }
  return { moves, due, left: settling.size }
}

const gaps = fc.array(
  fc.record({ afterMs: fc.integer({ min: 1, max: 900 }), withinMs: fc.integer({ min: 500, max: 4_000 }) }),
  { maxLength: 30 },
)

describe('a key that moves in bursts', () => {
  it('is due once a burst when it is still, and at the latest time while it moves', () => {
    fc.assert(
      fc.property(gaps, (played) => {
        const { moves, due, left } = play(played)
        assert.equal(left, 0)
        for (const { at, latestAt } of moves) assert(due.some((time) => time >= at && time <= latestAt))
        for (const [i, time] of due.entries()) {
          const since = moves.filter(({ at }) => at < time && at >= (due[i - 1] ?? 0))
          const last = Math.max(...since.map(({ at }) => at))
          const latest = Math.min(...since.map(({ latestAt }) => latestAt))
          assert.equal(time, Math.min(last + STILL_MS, latest))
        }
      }),
    )
  })

  it('is due when nothing is known of it', () => {
    assert.equal(new Settling<string>({ stillMs: STILL_MS }).dueInMs('a'), 0)
  })
})
