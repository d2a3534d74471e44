export interface BackoffOptions {
  readonly minMs?: number
  readonly maxMs?: number
  /** 0 to 1: the share of a pause that is random, so that many who failed together do not come back together. */
  readonly jitter?: number
  readonly random?: () => number
}

/** Exponential backoff: the pause before attempt `failures` + 1, doubling from `minMs` to `maxMs`. */
export function backoffMs(failures: number, options: BackoffOptions = {}): number {
  const { minMs = 100, maxMs = 30_000, jitter = 0.3, random = Math.random } = options
  const full = Math.min(maxMs, minMs * 2 ** Math.max(failures - 1, 0))
  return full * (1 - jitter * random())
}
