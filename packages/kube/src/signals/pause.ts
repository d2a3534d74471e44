/**
 * Resolves after the time or with the first signal that aborts, whichever is earlier; leaves neither timer nor listener
 * behind. Takes signals, since a promise remembers every race that it is in until it settles.
 */
export async function pause(ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some(({ aborted }) => aborted)) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = () => resolve()
  const timer = setTimeout(end, Math.max(ms, 0))
  for (const signal of signals) signal.addEventListener('abort', end)
  await promise
  clearTimeout(timer)
  for (const signal of signals) signal.removeEventListener('abort', end)
}
