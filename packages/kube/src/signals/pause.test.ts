import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { pause } from './pause.ts'

const never = 2 ** 31 - 1

describe('a pause', { timeout: 120_000 }, () => {
  it('ends with its time, and at once with any of its signals', async () => {
    const [early, late] = [new AbortController(), new AbortController()]
    await pause(1, early.signal, late.signal)
    const paused = pause(never, late.signal, early.signal)
    early.abort()
    await paused
    await pause(never, late.signal, early.signal)
  })

  it('leaves nothing at a signal that outlives it: a leader pauses every two seconds, for months', async () => {
    const [early, late] = [new AbortController(), new AbortController()]
    await pause(0, late.signal)
    const paused = pause(never, late.signal, early.signal)
    assert.equal(getEventListeners(late.signal, 'abort').length, 1)
    early.abort()
    await paused
    assert.deepEqual(getEventListeners(late.signal, 'abort'), [])
  })
})
