/** Stops asking an API server that does not answer, so that its callers fail at once instead of holding sockets. */
export interface Breaker {
  /** Milliseconds until the next attempt is worth it; 0 if one may be made now. */
  retryInMs(): number
  /** Claims the right to try: false while the breaker is open or another trial is under way. */
  tryAcquire(): boolean
  succeeded(): void
  /** @param cause of several failures that have one, as those of all requests on a connection that was lost, the first counts */
  failed(cause?: Error): void
  /** Calls back once, when the next answer closes the breaker; returns what withdraws that. */
  onceClosed(callback: () => void): () => void
  /** The attempt ended without telling anything about the server, e.g. because its caller gave up. */
  abandoned(): void
}

export interface BreakerOptions {
  /** Consecutive failures that open it. */
  readonly threshold?: number
  readonly minOpenMs?: number
  readonly maxOpenMs?: number
  /** ms of a clock that nobody sets. */
  readonly now?: () => number
}

/** Closed → open after `threshold` failures in a row → one trial after a doubling pause → closed again, or open. */
export function createBreaker(options: BreakerOptions = {}): Breaker {
  const { threshold = 3, minOpenMs = 500, maxOpenMs = 15_000, now = () => performance.now() } = options
  let failures = 0
  let pauseMs = 0
  let openUntil = 0
  let trialSince: number | undefined
  const waiting = new Set<() => void>()
  const counted = new WeakSet<Error>()

  const isOpen = () => failures >= threshold
  // A trial whose outcome is never reported must not keep the breaker open for good.
  const trialUnderWay = () => trialSince !== undefined && now() - trialSince < maxOpenMs
  const open = (ms: number) => {
    pauseMs = Math.min(maxOpenMs, ms)
    openUntil = now() + pauseMs
  }

  return {
    retryInMs: () => (isOpen() ? Math.max(openUntil - now(), trialUnderWay() ? minOpenMs : 0) : 0),
    tryAcquire() {
      if (!isOpen()) return true
      if (now() < openUntil || trialUnderWay()) return false
      trialSince = now()
      return true
    },
    onceClosed(callback) {
      waiting.add(callback)
      return () => waiting.delete(callback)
    },
    succeeded() {
      const closes = isOpen()
      failures = 0
      trialSince = undefined
      if (!closes) return
      const callbacks = [...waiting]
      waiting.clear()
      for (const callback of callbacks) callback()
    },
    failed(cause) {
      if (cause !== undefined) {
        if (counted.has(cause)) return
        counted.add(cause)
      }
      if (!isOpen()) {
        failures++
        if (isOpen()) open(minOpenMs)
        return
      }
      // Many requests fail together when a server dies: only the trial tells something new, and lengthens the pause.
      if (trialSince === undefined) return
      trialSince = undefined
      open(pauseMs * 2)
    },
    abandoned() {
      trialSince = undefined
    },
  }
}
