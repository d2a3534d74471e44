/** One request, which says how it went. */
export interface Attempt {
  succeeded(): void
  /** @param cause of several failures that have one, as those of all requests on a connection that was lost, the first counts */
  failed(cause?: Error): void
  /** It ended without telling anything about the server, e.g. because its caller gave up. */
  abandoned(): void
}

/** Stops asking an API server that does not answer, so that its callers fail at once instead of holding sockets. Itself an attempt that is no trial. */
export interface Breaker extends Attempt {
  /** Milliseconds until the next attempt is worth it; 0 if one may be made now. */
  retryInMs(): number
  /** Claims the right to try: undefined while the breaker is open or another trial is under way. */
  tryAcquire(): Attempt | undefined
  /** Calls back once, when the next answer closes the breaker; returns what withdraws that. */
  onceClosed(callback: () => void): () => void
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
  let trial: { readonly since: number } | undefined
  const waiting = new Set<() => void>()
  const counted = new WeakSet<Error>()

  const isOpen = () => failures >= threshold
  // A trial whose outcome is never reported must not keep the breaker open for good.
  const trialUnderWay = () => trial !== undefined && now() - trial.since < maxOpenMs
  const open = (ms: number) => {
    pauseMs = Math.min(maxOpenMs, ms)
    openUntil = now() + pauseMs
  }

  const succeeded = () => {
    const closes = isOpen()
    failures = 0
    trial = undefined
    if (!closes) return
    const callbacks = [...waiting]
    waiting.clear()
    for (const callback of callbacks) callback()
  }
  const failed = (cause?: Error) => {
    // Many requests fail together when a server dies: only the trial tells something new, and lengthens the pause.
    if (isOpen()) return
    if (cause !== undefined) {
      if (counted.has(cause)) return
      counted.add(cause)
    }
    failures++
    if (isOpen()) open(minOpenMs)
  }
  const beginTrial = (): Attempt => {
    const mine = { since: now() }
    trial = mine
    return {
      succeeded,
      failed(cause) {
        if (trial !== mine) return failed(cause)
        trial = undefined
        open(pauseMs * 2)
      },
      abandoned() {
        if (trial === mine) trial = undefined
      },
    }
  }

  const breaker: Breaker = {
    retryInMs: () => (isOpen() ? Math.max(openUntil - now(), trialUnderWay() ? minOpenMs : 0) : 0),
    tryAcquire() {
      if (!isOpen()) return breaker
      return now() < openUntil || trialUnderWay() ? undefined : beginTrial()
    },
    onceClosed(callback) {
      waiting.add(callback)
      return () => waiting.delete(callback)
    },
    succeeded,
    failed,
    abandoned() {},
  }
  return breaker
}
