import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves after the time or with the first of the promises, whichever is earlier; leaves no timer behind. */
export async function pause(ms: number, ...until: readonly Promise<unknown>[]): Promise<void> {
  const timer = new AbortController()
  await Promise.race([sleep(Math.max(ms, 0), undefined, { signal: timer.signal }).catch(() => {}), ...until])
  timer.abort()
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  else signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
