import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Attempt, createBreaker } from './breaker.ts'

const limits = { threshold: 3, minOpenMs: 500, maxOpenMs: 4_000 }

function clocked() {
  let time = 1
  const breaker = createBreaker({ ...limits, now: () => time })
  const pass = (ms: number) => {
    time += ms
  }
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) breaker.failed()
  }
  /** The pause that each trial in a row meets, all of them failing. */
  const pauses = (trials: number) =>
    Array.from({ length: trials }, () => {
      const pause = breaker.retryInMs()
      pass(pause)
      const trial = breaker.tryAcquire()
      assert.ok(trial)
      trial.failed()
      return pause
    })
  const mayTry = () => breaker.tryAcquire() !== undefined
  return { breaker, mayTry, pass, fail, pauses }
}

describe('the breaker of a cluster', () => {
  it('lets everything through while failures are few or broken up by answers', () => {
    const { breaker, mayTry, fail } = clocked()
    for (let round = 0; round < 10; round++) {
      fail(limits.threshold - 1)
      breaker.succeeded()
    }
    assert.equal(mayTry(), true)
    assert.equal(breaker.retryInMs(), 0)
  })

  it('refuses at once after as many failures in a row as allowed, and says for how long', () => {
    const { breaker, mayTry, fail, pass } = clocked()
    fail(limits.threshold)
    assert.equal(mayTry(), false)
    assert.equal(breaker.retryInMs(), limits.minOpenMs)
    pass(limits.minOpenMs - 1)
    assert.equal(mayTry(), false)
  })

  it('counts one cause once, however many requests failed of it', () => {
    const { breaker } = clocked()
    const lost = () => {
      const cause = new Error('reset')
      for (let i = 0; i < 50; i++) breaker.failed(cause)
    }
    for (let i = 1; i < limits.threshold; i++) lost()
    assert.equal(breaker.retryInMs(), 0)
    lost()
    assert.equal(breaker.retryInMs(), limits.minOpenMs)
  })

  it('lets one trial through after the pause, and everything once that one is answered', () => {
    const { breaker, mayTry, fail, pass } = clocked()
    fail(limits.threshold)
    pass(limits.minOpenMs)
    assert.equal(breaker.retryInMs(), 0)
    assert.deepEqual([mayTry(), mayTry(), mayTry()], [true, false, false])
    breaker.succeeded()
    assert.deepEqual([mayTry(), mayTry()], [true, true])
  })

  it('says that there is nothing to ask while a trial is under way', () => {
    const { breaker, mayTry, fail, pass } = clocked()
    fail(limits.threshold)
    pass(limits.minOpenMs)
    assert.equal(mayTry(), true)
    assert.equal(breaker.retryInMs(), limits.minOpenMs)
  })

  it('lets a trial through soon again when the server dies right after it was found back', () => {
    const { breaker, mayTry, fail, pass } = clocked()
    fail(limits.threshold)
    pass(limits.minOpenMs)
    breaker.tryAcquire()
    breaker.succeeded()
    fail(limits.threshold)
    pass(limits.minOpenMs)
    assert.equal(mayTry(), true)
  })

  it('tells who waits once, when an answer closes it, unless that was withdrawn', () => {
    const { breaker, fail, pass } = clocked()
    const told: string[] = []
    breaker.onceClosed(() => told.push('first'))
    breaker.onceClosed(() => told.push('withdrawn'))()
    breaker.succeeded()
    assert.deepEqual(told, [], 'it was not open')
    for (let i = 0; i < 2; i++) {
      fail(limits.threshold)
      pass(limits.minOpenMs)
      breaker.tryAcquire()
      breaker.succeeded()
      assert.deepEqual(told, ['first'])
    }
  })

  it('doubles the pause with each failed trial up to the longest', () => {
    const { fail, pauses } = clocked()
    fail(limits.threshold)
    assert.deepEqual(pauses(6), [500, 1_000, 2_000, 4_000, 4_000, 4_000])
  })

  it('opens for the shortest pause however many requests were in flight when the server died', () => {
    const { breaker, fail } = clocked()
    fail(64)
    assert.equal(breaker.retryInMs(), limits.minOpenMs)
  })

  it('begins with the shortest pause again after the server has answered', () => {
    const { breaker, fail, pauses } = clocked()
    fail(limits.threshold)
    pauses(4)
    breaker.succeeded()
    fail(limits.threshold)
    assert.equal(breaker.retryInMs(), limits.minOpenMs)
  })

  it('gives the trial to the next one at once when its caller gives up', () => {
    const { breaker, mayTry, fail, pass } = clocked()
    fail(limits.threshold)
    pass(limits.minOpenMs)
    breaker.tryAcquire()?.abandoned()
    assert.equal(mayTry(), true)
  })

  it('hears of its trial from that alone: what was under way before says nothing of it', () => {
    const { breaker, mayTry, fail, pass } = clocked()
    const before = breaker.tryAcquire()
    fail(limits.threshold)
    pass(limits.minOpenMs)
    const trial = breaker.tryAcquire()
    before?.abandoned()
    assert.equal(mayTry(), false)
    before?.failed()
    assert.equal(mayTry(), false)
    trial?.failed()
    assert.equal(breaker.retryInMs(), 2 * limits.minOpenMs)
    pass(2 * limits.minOpenMs)
    const next = breaker.tryAcquire()
    trial?.abandoned()
    trial?.failed()
    assert.deepEqual([next !== undefined, mayTry()], [true, false])
  })

  it('allows another trial when the outcome of one is never told', () => {
    const { mayTry, fail, pass } = clocked()
    fail(limits.threshold)
    pass(limits.minOpenMs)
    assert.equal(mayTry(), true)
    pass(limits.maxOpenMs - 1)
    assert.equal(mayTry(), false)
    pass(1)
    assert.equal(mayTry(), true)
  })

  it('is not held open by a clock that is set back', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 7_200_000 })
    const breaker = createBreaker(limits)
    for (let i = 0; i < limits.threshold; i++) breaker.failed()
    t.mock.timers.setTime(0)
    assert.ok(breaker.retryInMs() <= limits.minOpenMs)
  })

  it('keeps its promises under any sequence of events', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('acquire', 'succeeded', 'failed', 'abandoned') }),
      fc.record({ kind: fc.constant('pass'), ms: fc.integer({ min: 1, max: 6_000 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { breaker, mayTry, pass } = clocked()
        let inARow = 0
        let attempt: Attempt = breaker
        for (const event of steps) {
          if ('ms' in event) pass(event.ms)
          else if (event.kind === 'acquire') {
            const retryIn = breaker.retryInMs()
            const claimed = breaker.tryAcquire()
            const acquired = claimed !== undefined
            attempt = claimed ?? attempt
            // Closed means free for all; open means no more than what retryInMs said.
            if (inARow < limits.threshold) assert.equal(acquired, true)
            assert.equal(acquired, retryIn === 0)
            if (acquired && inARow >= limits.threshold) assert.equal(mayTry(), false)
          } else if (event.kind === 'succeeded') {
            attempt.succeeded()
            inARow = 0
          } else if (event.kind === 'failed') {
            attempt.failed()
            inARow++
          } else attempt.abandoned()
          assert.ok(breaker.retryInMs() >= 0 && breaker.retryInMs() <= limits.maxOpenMs)
          assert.equal(breaker.retryInMs() > 0 && inARow < limits.threshold, false)
        }
        // Never shut for good: after the longest pause somebody may try.
        pass(limits.maxOpenMs)
        assert.equal(mayTry(), true)
      }),
    )
  })
})
