import { describe, it } from 'node:test'
import { aborted } from './aborted.ts'

describe('aborted', { timeout: 120_000 }, () => {
  it('tells of a signal that has aborted, and of one that will', async () => {
    await aborted(AbortSignal.abort())
    const stop = new AbortController()
    const told = aborted(stop.signal)
    stop.abort()
    await told
  })
})
