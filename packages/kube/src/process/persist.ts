import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '../queue/backoff.ts'
import type { Log } from './log.ts'

/** Tries until it works: an API server that does not answer when we start is no reason to end. Rejects on the signal. */
export async function persist<T>(what: string, attempt: () => Promise<T>, log: Log, signal: AbortSignal): Promise<T> {
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      log('warn', `${what}.failed`, { reason: (error as Error).message })
      await sleep(backoffMs(failures, { minMs: 200, maxMs: 5_000 }), undefined, { signal })
    }
  }
}
