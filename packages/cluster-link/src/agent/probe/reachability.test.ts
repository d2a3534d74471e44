import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { controlAddress, createJudge, type Judge } from './reachability.ts'

const period = 150
const gateway = '220.0.2.2'

/** Plays probes: `x` answered in time, `.` lost; gives the changes by the number of the probe that was asked last. */
function play(judge: Judge, probes: string, roundTripMs = 1, from = 0): Record<number, boolean | undefined> {
  const changes: Record<number, boolean | undefined> = {}
  for (let probe = from; probe < from + probes.length; probe++) {
    const at = probe * period
    if (probes[probe - from] === 'x') judge.take({ address: gateway, sequence: probe, at, roundTripMs })
    const changed = judge.take({ address: controlAddress, sequence: probe, at, roundTripMs: 0.05 })
    if (changed.length > 0) changes[probe] = judge.of(gateway)?.isReachable
  }
  return changes
}

const judgeOf = () => {
  const judge = createJudge()
  judge.watch([gateway], period, 0)
  return judge
}

describe('a next hop that is asked', () => {
  it('is not known before it answers, and then it is there', () => {
    const judge = judgeOf()
    assert.equal(judge.of(gateway)?.isReachable, undefined)
    assert.deepEqual(play(judge, 'xx'), { 1: true })
  })

  it('is down after three lost in a row, not after two', () => {
    assert.deepEqual(play(judgeOf(), 'xxxx..x..x..xx'), { 1: true })
    assert.deepEqual(play(judgeOf(), 'xxxx.....'), { 1: true, 7: false })
  })

  it('is up after two answers in a row', () => {
    assert.deepEqual(play(judgeOf(), 'xx....x..xx...'), { 1: true, 5: false, 11: true })
  })

  it('that never answers is down after a while', () => {
    const changes = play(judgeOf(), '............')
    assert.deepEqual(Object.values(changes), [false])
  })

  it('may be on the other side of the world', () => {
    const judge = judgeOf()
    for (let probe = 0; probe < 60; probe++) {
      judge.take({ address: controlAddress, sequence: probe, at: probe * period, roundTripMs: 0.05 })
      // An answer takes two periods and more.
      if (probe >= 3) judge.take({ address: gateway, sequence: probe - 3, at: probe * period + 1, roundTripMs: 400 })
      assert.notEqual(judge.of(gateway)?.isReachable, false)
    }
    assert.equal(judge.of(gateway)?.isReachable, true)
    assert.equal(judge.of(gateway)?.lossPercent, 0)
  })

  it('is not down because nobody asked: a host that stood still has no answers of its own either', () => {
    const judge = judgeOf()
    play(judge, 'xxxx')
    const late = 3_600_000
    judge.take({ address: gateway, sequence: 4, at: late, roundTripMs: 1 })
    assert.deepEqual(judge.take({ address: controlAddress, sequence: 4, at: late, roundTripMs: 1 }), [])
    assert.equal(judge.of(gateway)?.isReachable, true)
  })

  it('keeps what is known when the asking starts anew', () => {
    const judge = judgeOf()
    play(judge, 'xxxx')
    judge.watch([gateway, '220.0.2.3'], period, 1_000)
    assert.equal(judge.of(gateway)?.isReachable, true)
    assert.deepEqual(play(judge, 'xxx'), {})
  })

  it('is forgotten when nobody goes through it any more', () => {
    const judge = judgeOf()
    judge.watch([], period, 0)
    assert.equal(judge.of(gateway), undefined)
  })

  it('that was down when the agent started stays so until it answers', () => {
    const judge = judgeOf()
    judge.suspect(gateway, 5)
    assert.equal(judge.of(gateway)?.isReachable, false)
    assert.equal(judge.of(gateway)?.since, 5)
    assert.deepEqual(play(judge, '....xxx'), { 6: true })
  })

  it('has a loss over the last fifty, and a round trip', () => {
    const judge = judgeOf()
    play(judge, `${'.'.repeat(50)}${'x.'.repeat(30)}`, 2)
    assert.equal(judge.of(gateway)?.lossPercent, 50)
    assert.equal(judge.of(gateway)?.roundTripMicroseconds, 2_000)
  })
})
