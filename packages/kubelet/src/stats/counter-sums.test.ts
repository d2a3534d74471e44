import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CounterSums } from './counter-sums.ts'

const values = (of: Readonly<Record<string, number>>) => new Map(Object.entries(of))
/** What `increase()` of Prometheus makes of samples: a fall is a reset, and what is left has all been counted since. */
const increase = (samples: readonly number[]) =>
  samples.reduce(
    (sum, value, i) => sum + (i === 0 ? 0 : value - (value < (samples[i - 1] ?? 0) ? 0 : (samples[i - 1] ?? 0))),
    0,
  )

describe('a counter of several machines', () => {
  const shown = (...rounds: Readonly<Record<string, number>>[]) => {
    const sums = new CounterSums()
    return rounds.map((round, i) => sums.sum('cpu', i, values(round)))
  }

  it('rises by what each of them has counted', () => {
    assert.deepEqual(shown({ a: 100, b: 50 }, { a: 103, b: 54 }), [0, 7])
  })

  it('does not jump when one joins, leaves, starts again or comes back', () => {
    assert.deepEqual(shown({ a: 100 }, { a: 101, b: 5_000 }, { a: 102, b: 5_002 }), [0, 1, 4])
    assert.deepEqual(shown({ a: 100, b: 5_000 }, { a: 101 }, { a: 102, b: 9_000 }, { a: 103, b: 9_001 }), [0, 1, 2, 4])
    assert.deepEqual(shown({ a: 100 }, { a: 3 }, { a: 5 }), [0, 0, 2])
  })

  it('never shows an increase that no machine has counted, whoever comes and goes', () => {
    const step = fc.record({ counts: fc.nat(9), present: fc.boolean(), restarts: fc.boolean() })
    const steps = fc.array(fc.dictionary(fc.constantFrom('a', 'b', 'c'), step, { maxKeys: 3 }), { maxLength: 20 })
    fc.assert(
      fc.property(steps, fc.nat(10_000), (rounds, old) => {
        const now = new Map([
          ['a', old],
          ['b', 2 * old],
          ['c', 0],
        ])
        let counted = 0
        const samples = shown(
          ...rounds.map((round) =>
            Object.fromEntries(
              Object.entries(round).flatMap(([name, { counts, present, restarts }]) => {
                counted += counts
                now.set(name, (restarts ? 0 : (now.get(name) ?? 0)) + counts)
                return present ? [[name, now.get(name) ?? 0]] : []
              }),
            ),
          ),
        )
        assert.ok(increase(samples) <= counted)
      }),
    )
  })

  it('is the same for all who ask in a round, and one that comes late changes nothing', () => {
    const sums = new CounterSums()
    sums.sum('cpu', 1, values({ a: 1 }))
    assert.equal(sums.sum('cpu', 3, values({ a: 9 })), 8)
    assert.equal(sums.sum('cpu', 3, values({ a: 9 })), 8)
    assert.equal(sums.sum('cpu', 2, values({ a: 5 })), 8)
    assert.equal(sums.sum('cpu', 4, values({ a: 10 })), 9)
  })
})
