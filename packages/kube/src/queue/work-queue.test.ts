import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** A queue whose work ends when the test says so. */
function bench(options: Partial<WorkQueueOptions<string>> = {}) {
  const running = new Map<string, { resolve(): void; reject(error: unknown): void }>()
  const starts: string[] = []
  let most = 0
  const queue = new WorkQueue({
    backoff: { minMs: 100, maxMs: 100, jitter: 0 },
    ...options,
    work: (key) => {
      assert.ok(!running.has(key), `${key} is worked on twice at the same time`)
      starts.push(key)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      running.set(key, { resolve, reject })
      most = Math.max(most, running.size)
      return promise
    },
  })
  const end = async (key: string, error?: unknown) => {
    const work = running.get(key)
    assert.ok(work, `${key} is not worked on`)
    running.delete(key)
    if (error === undefined) work.resolve()
    else work.reject(error)
    await settled()
  }
  return { queue, running, starts, end, most: () => most }
}

describe('a work queue', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  it('works once on a key that is added many times while it waits', async () => {
    const { queue, starts, end } = bench({ concurrency: 1 })
    queue.add('first')
    for (let i = 0; i < 5; i++) queue.add('a')
    assert.equal(queue.depth, 1)
    await end('first')
    await end('a')
    assert.deepEqual(starts, ['first', 'a'])
  })

  it('works exactly once more on a key that is added while it is worked on', async () => {
    const { queue, starts, end } = bench()
    queue.add('a')
    await settled()
    for (let i = 0; i < 5; i++) queue.add('a')
    await end('a')
    await end('a')
    assert.deepEqual(starts, ['a', 'a'])
  })

  it('works on as many keys at a time as it has lanes, in the order they came', async () => {
    const { queue, starts, end, most } = bench({ concurrency: 2 })
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key)
    await settled()
    assert.deepEqual(starts, ['a', 'b'])
    await end('b')
    assert.deepEqual(starts, ['a', 'b', 'c'])
    assert.equal(most(), 2)
  })

  it('comes back to what failed after a growing pause, and begins anew after a success', async () => {
    const failures: number[] = []
    const { queue, starts, end } = bench({
      backoff: { minMs: 100, maxMs: 1_000, jitter: 0 },
      onFailure: (_key, _error, count) => failures.push(count),
    })
    queue.add('a')
    await settled()
    for (const pause of [100, 200, 400]) {
      const before = starts.length
      await end('a', new Error('no'))
      mock.timers.tick(pause - 1)
      await settled()
      assert.equal(starts.length, before)
      mock.timers.tick(1)
      await settled()
      assert.equal(starts.length, before + 1)
    }
    await end('a')
    queue.add('a')
    await settled()
    await end('a', new Error('no'))
    assert.deepEqual(failures, [1, 2, 3, 1])
  })

  it('begins anew after a success also when the key is due again already', async () => {
    const failures: number[] = []
    const { queue, end } = bench({ onFailure: (_key, _error, count) => failures.push(count) })
    for (const again of [() => queue.add('a'), () => queue.addAfter('a', 50)]) {
      queue.add('a')
      await settled()
      await end('a', new Error('no'))
      mock.timers.tick(100)
      await settled()
      again()
      await end('a')
      mock.timers.tick(50)
      await settled()
      await end('a', new Error('no'))
      mock.timers.tick(100)
      await settled()
      await end('a')
    }
    assert.deepEqual(failures, [1, 1, 1, 1])
  })

  it('gives the lane of a key that failed to the next one', async () => {
    const { queue, starts, end } = bench({ concurrency: 1 })
    queue.add('bad')
    queue.add('good')
    await settled()
    await end('bad', new Error('no'))
    assert.deepEqual(starts, ['bad', 'good'])
    await end('good')
  })

  it('works at once on a key that is added while it waits out a failure, and not again for that failure', async () => {
    const { queue, starts, end } = bench()
    queue.add('a')
    await settled()
    await end('a', new Error('no'))
    queue.add('a')
    await settled()
    assert.equal(starts.length, 2)
    await end('a')
    mock.timers.tick(1_000)
    await settled()
    assert.equal(starts.length, 2)
  })

  it('survives work that throws before it returns a promise, and anything that is thrown', async () => {
    const errors: Error[] = []
    const thrown: unknown[] = [new Error('at once'), 'text', undefined]
    const queue = new WorkQueue({
      work: () => {
        throw thrown[errors.length]
      },
      backoff: { minMs: 100, maxMs: 100, jitter: 0 },
      onFailure: (_key, error) => errors.push(error),
    })
    queue.add('a')
    for (let i = 1; i < thrown.length; i++) {
      await settled()
      mock.timers.tick(100)
    }
    await settled()
    assert.deepEqual(
      errors.map(({ message }) => message),
      ['at once', 'text', 'undefined'],
    )
    await queue.close()
  })

  it('goes on when the one who is told of failures throws', async () => {
    mock.method(process, 'emitWarning', () => {})
    const { queue, starts, end } = bench({
      onFailure: () => {
        throw new Error('the observer is broken')
      },
    })
    queue.add('a')
    await settled()
    await end('a', new Error('no'))
    mock.timers.tick(100)
    await settled()
    assert.equal(starts.length, 2)
    mock.restoreAll()
  })

  describe('with delayed keys', () => {
    it('adds a key when its delay is over; the earlier of two wins', async () => {
      const { queue, starts, end } = bench()
      queue.addAfter('a', 500)
      queue.addAfter('a', 200)
      queue.addAfter('a', 900)
      mock.timers.tick(199)
      await settled()
      assert.deepEqual(starts, [])
      mock.timers.tick(1)
      await settled()
      assert.deepEqual(starts, ['a'])
      await end('a')
      mock.timers.tick(1_000)
      await settled()
      assert.deepEqual(starts, ['a'])
    })

    it('adds a key at once whose delay is over already', async () => {
      const { queue, starts } = bench()
      queue.addAfter('a', 0)
      queue.addAfter('b', -1)
      await settled()
      assert.deepEqual(starts, ['a', 'b'])
    })

    it('keeps a delay that is asked for while the key is worked on', async () => {
      const { queue, starts, end } = bench()
      queue.add('a')
      await settled()
      queue.addAfter('a', 50)
      await end('a')
      mock.timers.tick(50)
      await settled()
      assert.equal(starts.length, 2)
    })

    it('needs no delay for a key that waits for a lane, or is to be worked on once more', async () => {
      const { queue, starts, end } = bench({ concurrency: 1 })
      queue.add('a')
      await settled()
      queue.add('a')
      queue.add('b')
      queue.addAfter('a', 50)
      queue.addAfter('b', 50)
      await end('a')
      await end('b')
      await end('a')
      mock.timers.tick(50)
      await settled()
      assert.deepEqual(starts, ['a', 'b', 'a'])
    })

    it('asks once an hour about a key that is due later: a timer does not hear that the machine slept', async () => {
      const { queue, starts } = bench()
      queue.addAfter('a', 24 * 3_600_000)
      mock.timers.tick(3_600_000 - 1)
      await settled()
      assert.deepEqual(starts, [])
      mock.timers.tick(1)
      await settled()
      assert.deepEqual(starts, ['a'])
    })

    it('takes a delay longer than timers can as such a one, and one that is no number as none', async () => {
      mock.timers.reset()
      const started: string[] = []
      const near = Promise.withResolvers<void>()
      const queue = new WorkQueue({
        work: async (key) => {
          started.push(key)
          if (key === 'near') near.resolve()
        },
      })
      queue.addAfter('far', Number.MAX_SAFE_INTEGER)
      queue.addAfter('near', 20)
      queue.addAfter('odd', Number.NaN)
      await near.promise
      assert.deepEqual(started, ['odd', 'near'])
      await queue.close()
    })
  })

  describe('that has not started', () => {
    it('gathers keys, also delayed ones, and works on each once it starts', async () => {
      const { queue, starts } = bench({ autoStart: false })
      queue.add('a')
      queue.add('a')
      queue.addAfter('b', 10)
      mock.timers.tick(10)
      await settled()
      assert.deepEqual(starts, [])
      queue.start()
      await settled()
      assert.deepEqual(starts, ['a', 'b'])
    })

    it('can be closed', async () => {
      const { queue, starts } = bench({ autoStart: false })
      queue.add('a')
      await queue.close()
      assert.deepEqual(starts, [])
    })
  })

  describe('that is closed', () => {
    it('waits for what runs, and works on nothing else: not waiting, not delayed, not failed, not added later', async () => {
      const { queue, starts, end } = bench({ concurrency: 2 })
      for (const key of ['ok', 'fails', 'waits']) queue.add(key)
      queue.addAfter('delayed', 10)
      await settled()
      queue.add('ok')
      let closed = false
      const closing = queue.close().then(() => {
        closed = true
      })
      await end('ok')
      assert.equal(closed, false)
      await end('fails', new Error('no'))
      await closing
      queue.add('late')
      queue.addAfter('late', 1)
      mock.timers.tick(10_000)
      await settled()
      assert.deepEqual(starts, ['ok', 'fails'])
    })

    it('leaves no timer behind, which would keep the process alive', async () => {
      mock.timers.reset()
      const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
      const before = timers()
      const { queue, end } = bench()
      queue.add('fails')
      queue.addAfter('delayed', 3_600_000)
      await settled()
      const closing = queue.close()
      await end('fails', new Error('no'))
      await closing
      queue.addAfter('late', 3_600_000)
      assert.ok(timers() <= before)
    })
  })

  it('remembers nothing of a key that is done with', async () => {
    mock.timers.reset()
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const heap = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    let left = 0
    const queue = new WorkQueue({
      work: async () => {
        left--
      },
    })
    const before = heap()
    for (let i = 0; i < 100; i++) {
      left += 1_000
      for (let j = 0; j < 1_000; j++) queue.add(`namespace-${i}/name-${j}`)
      while (left > 0) await settled()
    }
    const bytes = (heap() - before) / 100_000
    assert.ok(bytes < 50, `${bytes} bytes a key`)
    await queue.close()
  })

  it('loses no key and works on none without need, however adds, ends, failures and time interleave', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), key }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), key }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('fail' as const), key }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('tick' as const), ms: fc.integer({ min: 1, max: 150 }) }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), async (steps, lanes) => {
        mock.timers.reset()
        mock.timers.enable({ apis: ['setTimeout'] })
        const { queue, running, starts, end, most } = bench({ concurrency: lanes })
        // What is due, in the words of the model: a key that waits, or that pauses for so long after a failure.
        const waiting = new Set<string>()
        const pausing = new Map<string, number>()
        let expected = 0
        const add = (given: string) => {
          pausing.delete(given)
          if (!waiting.has(given)) expected++
          waiting.add(given)
        }
        // The model learns of a start from the queue itself: which of those that wait gets a lane is its business.
        const settle = async () => {
          await settled()
          for (const started of starts.slice(seen)) {
            assert.ok(waiting.delete(started), `${started} is worked on although nothing asked for it`)
          }
          seen = starts.length
          assert.ok(most() <= lanes)
          // A lane is idle only if nobody waits who is not running already.
          if (running.size < lanes) assert.ok([...waiting].every((one) => running.has(one)))
        }
        let seen = 0
        const pass = async (ms: number) => {
          for (const [one, left] of pausing) {
            if (left > ms) pausing.set(one, left - ms)
            else add(one)
          }
          mock.timers.tick(ms)
          await settle()
        }
        for (const event of steps) {
          if (event.kind === 'tick') await pass(event.ms)
          else if (event.kind === 'add') {
            queue.add(event.key)
            add(event.key)
            await settle()
          } else if (running.has(event.key)) {
            if (event.kind === 'fail' && !waiting.has(event.key)) pausing.set(event.key, 100)
            await end(event.key, event.kind === 'fail' ? new Error('no') : undefined)
            await settle()
          }
        }
        while (running.size > 0 || pausing.size > 0) {
          for (const one of [...running.keys()]) {
            await end(one)
            await settle()
          }
          await pass(100)
        }
        assert.deepEqual([...waiting], [])
        assert.equal(starts.length, expected)
        await queue.close()
      }),
      { numRuns: 200 },
    )
  })
})
