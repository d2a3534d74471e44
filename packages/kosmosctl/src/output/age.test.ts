import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { age } from './age.ts'

const now = Date.parse('2026-11-25T12:00:00Z')
const ago = (seconds: number) => age(new Date(now - seconds * 1000).toISOString(), now)
const minute = 60
const hour = 60 * minute
const day = 24 * hour

describe('an age', () => {
  const cases: readonly [number, string][] = [
    [0, '0s'],
    [119, '119s'],
    [2 * minute, '2m'],
    [2 * minute + 30, '2m30s'],
    [10 * minute + 30, '10m'],
    [179 * minute, '179m'],
    [3 * hour + 5 * minute, '3h5m'],
    [8 * hour + 5 * minute, '8h'],
    [2 * day + 3 * hour, '2d3h'],
    [8 * day, '8d'],
    [729 * day, '729d'],
    [2 * 365 * day + 4 * day, '2y4d'],
    [9 * 365 * day, '9y'],
  ]
  for (const [seconds, text] of cases) {
    it(`of ${seconds} s is ${text}, as kubectl says it`, () => assert.equal(ago(seconds), text))
  }

  it('of a moment in the future, as a skewed clock makes it, is invalid', () => assert.equal(ago(-60), '<invalid>'))
  it('of something without a creation time is unknown', () => assert.equal(age(undefined, now), '<unknown>'))
})
