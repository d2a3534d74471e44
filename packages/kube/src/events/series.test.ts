import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Series, seriesKey } from './series.ts'

const regarding = { kind: 'Pod', namespace: 'n', name: 'a', uid: 'u' }
const content = { type: 'Warning', reason: 'Failed', action: 'Sync', note: 'no' } as const
const reporter = { controller: 'kosmos.io/test', instance: 'i' }
const interval = 30_000

const begun = () => {
  const series = new Series(regarding, content, reporter, 0)
  series.happened(0)
  return series
}
const write = (series: Series, now: number) => {
  const { count } = series
  series.writing(now)
  series.wrote(count)
}

describe('an event that happens again', () => {
  it('is written at once, and so is its first repetition', () => {
    const series = begun()
    assert.ok(series.isDue(0, interval))
    assert.equal(series.series, undefined)
    write(series, 0)
    assert.ok(!series.isDue(1, interval))
    series.happened(1)
    assert.ok(series.isDue(1, interval))
    assert.deepEqual(series.series, { count: 2, lastObservedTime: '1970-01-01T00:00:00.001000Z' })
  })

  it('is written with all its further repetitions once an interval', () => {
    const series = begun()
    write(series, 0)
    for (let now = 1; now <= 2; now++) {
      series.happened(now)
      if (now === 1) write(series, 1)
    }
    for (let now = 1000; now < 30_000; now += 1000) series.happened(now)
    assert.ok(!series.isDue(30_000, interval))
    assert.ok(series.isDue(30_001, interval))
    assert.equal(series.series?.count, 32)
  })

  it('is not written twice at a time, and not again before it has failed for an interval', () => {
    const series = begun()
    series.writing(0)
    assert.ok(!series.isDue(100_000, interval))
    series.failed(100_000)
    series.happened(100_001)
    assert.ok(!series.isDue(100_001, interval))
    assert.ok(series.isDue(130_000, interval))
  })

  it('is written soon also when the clock was set back meanwhile', () => {
    const series = new Series(regarding, content, reporter, 3_600_000)
    for (let count = 1; count <= 3; count++) {
      series.happened(3_600_000)
      if (count < 3) write(series, 3_600_000)
    }
    assert.ok(!series.isDue(3_600_000, interval))
    assert.ok(series.isDue(0, interval))
  })

  it('is created anew if its object is gone', () => {
    const series = begun()
    write(series, 0)
    series.happened(1)
    const { event } = series
    series.writing(1)
    series.vanished(reporter, 2)
    assert.ok(!series.exists && series.isDue(2, interval))
    assert.notEqual(series.event.metadata?.name, event.metadata?.name)
  })

  it('ends when nothing has happened for a while', () => {
    const series = begun()
    series.happened(1000)
    assert.ok(!series.isOver(360_999, 360_000))
    assert.ok(series.isOver(361_000, 360_000))
  })

  it('is another event if a reader could tell it from the first', () => {
    const keys = [
      seriesKey(regarding, content),
      seriesKey({ ...regarding, uid: 'v' }, content),
      seriesKey({ ...regarding, fieldPath: 'spec.containers{a}' }, content),
      seriesKey(regarding, { ...content, note: 'still no' }),
      seriesKey(regarding, { ...content, type: 'Normal' }),
      seriesKey(regarding, { ...content, related: regarding }),
    ]
    assert.equal(new Set(keys).size, keys.length)
    assert.equal(seriesKey({ ...regarding }, { ...content }), keys[0])
  })
})
