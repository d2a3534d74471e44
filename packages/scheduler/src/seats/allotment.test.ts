import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Allotment } from './allotment.ts'
import { method, shares } from './samples.fixture.ts'
import { allot, sharesOf } from './seats.ts'

describe('the allotment of a number of pods that changes', () => {
  it('is that of so many pods, however many there were before', () => {
    fc.assert(
      fc.property(shares, method, fc.array(fc.nat(60)), (all, how, numbers) => {
        const allotment = new Allotment(all, how)
        for (const pods of numbers) assert.deepEqual(allotment.of(pods), allot(all, how, pods))
      }),
    )
  })

  it('takes one look at the shares for one pod more or less, however many there are, and none for as many as before', () => {
    let looks = 0
    const shares = sharesOf([
      { name: 'a', weight: 2 },
      { name: 'b', weight: 1, max: 2_000 },
    ]).map(({ min, ...share }) => ({
      ...share,
      get min() {
        looks++
        return min
      },
    }))
    const allotment = new Allotment(shares, 'Balance')
    const looksFor = (pods: number) => {
      looks = 0
      allotment.of(pods)
      return looks
    }
    looksFor(10)
    const [more, less] = [looksFor(11), looksFor(10)]
    assert(more > 0 && less > 0)
    looksFor(5_000)
    assert.deepEqual([looksFor(5_001), looksFor(5_001), looksFor(5_000)], [more, 0, less])
  })
})
