import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { phaseAt } from './phase.ts'

const MINUTE = 60_000
const at = (minutes: number) => {
  const { isKeeping, endsWithinMs } = phaseAt(minutes * MINUTE, MINUTE)
  return [isKeeping, endsWithinMs / MINUTE]
}

describe('whether a node is kept for a pod', () => {
  it('follows from how long the pod has waited: 1, 2, 4 … 64 minutes kept, and as long left open', () => {
    assert.deepEqual(
      [at(0), at(0.5)],
      [
        [false, 1],
        [false, 0.5],
      ],
    )
    assert.deepEqual(
      [at(1), at(2), at(3), at(5), at(7), at(11)],
      [
        [true, 1],
        [false, 1],
        [true, 2],
        [false, 2],
        [true, 4],
        [false, 4],
      ],
    )
    assert.deepEqual(
      [at(127), at(191), at(255), at(319)],
      [
        [true, 64],
        [false, 64],
        [true, 64],
        [false, 64],
      ],
    )
  })

  it('is so for half of the time, for two thirds of it at any moment, and says when it changes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), (minutes) => {
        let [kept, now] = [0, 0]
        while (now < minutes) {
          const [isKeeping, length] = at(now) as [boolean, number]
          const end = Math.min(now + length, minutes)
          if (isKeeping) kept += end - now
          const isWhole = !isKeeping && end === now + length
          now = end
          assert(3 * kept <= 2 * now && (!isWhole || 2 * kept <= now), `${kept} of ${now}`)
        }
      }),
    )
  })

  it('changes at the very millisecond that is said, and not before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 * MINUTE }), (waited) => {
        const { isKeeping, endsWithinMs } = phaseAt(waited, MINUTE)
        const [before, then] = [endsWithinMs - 1, endsWithinMs].map((ms) => phaseAt(waited + ms, MINUTE).isKeeping)
        assert.deepEqual([before, then], [isKeeping, !isKeeping])
      }),
    )
  })

  it('is not, for a pod that is still to be made', () => {
    assert.deepEqual(at(Number.NEGATIVE_INFINITY), [false, Number.POSITIVE_INFINITY])
  })
})
