import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runTogether } from './run-together.ts'

const ended: string[] = []
/** A part that takes a moment to end when it is told to. */
const part = (name: string) => async (signal: AbortSignal) => {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
  await sleep(1)
  ended.push(name)
}

describe('parts that run together', { timeout: 120_000 }, () => {
  it('end with the signal', async () => {
    const stop = new AbortController()
    const running = runTogether(stop.signal, [part('a'), part('b')])
    stop.abort()
    await running
    assert.deepEqual(ended.splice(0), ['a', 'b'])
  })

  it('end when one of them fails, which is told once all have ended', async () => {
    const breaking = (why: string) => async (signal: AbortSignal) => {
      await part(why)(signal)
      throw new Error(why)
    }
    const first = () => Promise.reject(new Error('first'))
    const running = runTogether(new AbortController().signal, [part('a'), breaking('second'), first, part('b')])
    await assert.rejects(running, /first/)
    assert.deepEqual(ended.splice(0), ['a', 'second', 'b'])
  })
})
