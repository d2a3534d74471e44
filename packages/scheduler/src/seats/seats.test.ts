import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { method, shares } from './samples.fixture.ts'
import { allot, compareSeats, nextShare, seatsBefore, sharesOf } from './seats.ts'

const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)

describe('the share of a value', () => {
  it('is what its allocation says: a count is a minimum and a maximum, of whose seats each comes in proportion', () => {
    const [counted, none, plain, bounded] = sharesOf([
      { name: 'a', replicas: 4 },
      { name: 'b', replicas: 0 },
      { name: 'c' },
      { name: 'd', weight: 3, min: 2, max: 5 },
    ])
    assert.deepEqual(counted, { name: 'a', weight: 4, min: 4, max: 4 })
    // A weight of none would be divided by.
    assert.deepEqual(none, { name: 'b', weight: 1, min: 0, max: 0 })
    assert.deepEqual(plain, { name: 'c', weight: 1, min: 0, max: Number.POSITIVE_INFINITY })
    assert.deepEqual(bounded, { name: 'd', weight: 3, min: 2, max: 5 })
  })
})

describe('the allotment of pods', () => {
  const weights = (...all: number[]) => sharesOf(all.map((weight, i) => ({ name: `v${i}`, weight })))
  const counts = (...all: number[]) => sharesOf(all.map((replicas, i) => ({ name: `v${i}`, replicas })))

  it('is exact where the shares can be met exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }), fc.nat(9), (all, times) => {
        assert.deepEqual(
          allot(weights(...all), 'Balance', sum(all) * times),
          all.map((weight) => weight * times),
        )
      }),
    )
  })

  it('gives counts in proportion while there are fewer pods', () => {
    assert.deepEqual(allot(counts(4, 2), 'Balance', 3), [2, 1])
    assert.deepEqual(allot(counts(6, 2), 'Balance', 4), [3, 1])
    assert.deepEqual(allot(counts(4, 2), 'Balance', 6), [4, 2])
    assert.deepEqual(allot(counts(4, 2), 'Balance', 9), [4, 2])
  })

  it('fills one after the other where it shall', () => {
    assert.deepEqual(allot(counts(4, 2), 'Fill', 3), [3, 0])
    assert.deepEqual(allot(counts(4, 2), 'Fill', 5), [4, 1])
  })

  it('gives an exact count first and the rest by weight', () => {
    const all = sharesOf([
      { name: 'a', replicas: 3 },
      { name: 'b', weight: 2 },
      { name: 'c', weight: 1 },
    ])
    assert.deepEqual(allot(all, 'Balance', 3), [3, 0, 0])
    assert.deepEqual(allot(all, 'Balance', 9), [3, 4, 2])
  })

  it('takes nothing from anybody when a pod is added, exceeds no maximum and leaves none out while there is room', () => {
    fc.assert(
      fc.property(shares, method, fc.nat(60), (all, how, pods) => {
        const before = allot(all, how, pods)
        const after = allot(all, how, pods + 1)
        const room = all.reduce((total, { max }) => total + max, 0)
        assert.equal(sum(before), Math.min(pods, room))
        for (const [i, count] of before.entries()) {
          assert((after[i] ?? 0) >= count)
          assert(count <= (all[i]?.max ?? 0))
        }
      }),
    )
  })

  it('gives the minima first', () => {
    fc.assert(
      fc.property(shares, method, (all, how) => {
        const minima = all.reduce((total, { min }) => total + min, 0)
        assert.deepEqual(
          allot(all, how, minima),
          all.map(({ min }) => min),
        )
      }),
    )
  })
})

describe('the next seat', () => {
  it('mends whatever went missing: pods that are deleted and made again end where the policy wants them', () => {
    fc.assert(
      fc.property(shares, method, fc.nat(40), fc.array(fc.nat(4), { maxLength: 40 }), (all, how, pods, deletions) => {
        const taken = allot(all, how, pods)
        for (const deletion of deletions) {
          const share = deletion % all.length
          taken[share] = Math.max((taken[share] ?? 0) - 1, 0)
        }
        for (let missing = Math.min(pods, 1e6) - sum(taken); missing > 0; missing--) {
          const share = nextShare(all, how, taken)
          if (share === undefined) break
          taken[share] = (taken[share] ?? 0) + 1
        }
        assert.deepEqual(taken, allot(all, how, pods))
      }),
    )
  })

  it('is only looked for where it may be', () => {
    const all = sharesOf([
      { name: 'a', weight: 9 },
      { name: 'b', weight: 1 },
    ])
    assert.equal(nextShare(all, 'Balance', [0, 0]), 0)
    assert.equal(
      nextShare(all, 'Balance', [0, 0], (share) => share === 1),
      1,
    )
    assert.equal(
      nextShare(all, 'Balance', [0, 0], () => false),
      undefined,
    )
  })
})

describe('the place of a seat in the order', () => {
  it('is the number of those before it', () => {
    fc.assert(
      fc.property(shares, method, (all, how) => {
        const taken = all.map(() => 0)
        for (let place = 0; place < 40; place++) {
          const share = nextShare(all, how, taken)
          if (share === undefined) break
          taken[share] = (taken[share] ?? 0) + 1
          assert.equal(seatsBefore(all, how, { share, number: taken[share] }), place)
        }
      }),
    )
  })

  it('is known for the last of very many as well', () => {
    const all = sharesOf([
      { name: 'a', weight: 2 },
      { name: 'b', weight: 1 },
    ])
    assert.equal(seatsBefore(all, 'Balance', { share: 1, number: 300_000 }), 899_998)
    assert.equal(seatsBefore(all, 'Fill', { share: 0, number: 999_999 }), 999_998)
  })

  it('is known of shares that there are only', () => {
    const one = sharesOf([{ name: 'a', weight: 2 }])
    assert.throws(() => seatsBefore(one, 'Balance', { share: 1, number: 1 }), /there is no share 1/)
  })

  it('is a total order', () => {
    const seat = fc.record({ share: fc.nat(4), number: fc.integer({ min: 1, max: 20 }) })
    fc.assert(
      fc.property(shares, method, seat, seat, seat, (all, how, ...seats) => {
        const [a, b, c] = seats.map(({ share, number }) => ({ share: share % all.length, number })) as typeof seats
        const compare = (x: typeof a, y: typeof a) => Math.sign(compareSeats(all, how, x, y))
        assert.equal(compare(a, b) + compare(b, a), 0)
        if (compare(a, b) <= 0 && compare(b, c) <= 0) assert(compare(a, c) <= 0)
      }),
    )
  })
})
