import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, ClusterUnreachable, type Outcome } from '@kosmos/kube'

export interface InsistOptions {
  /** Between two attempts. */
  readonly pauseMs?: number
  /** A benchmark that goes nowhere ends. */
  readonly mostAttempts?: number
}

/**
 * Sends a write again while an API server has no time for it, as every controller of a user does: an overloaded one answers with 504,
 * 503 or 429, or not at all. What was created by an attempt without an answer is there, and what was deleted is gone.
 */
export async function insist<T>(
  write: () => Promise<Outcome<T>>,
  { pauseMs = 200, mostAttempts = 100 }: InsistOptions = {},
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const outcome = await write()
      if (outcome.ok) return
      if (attempt > 1 && (outcome.reason === 'AlreadyExists' || outcome.reason === 'NotFound')) return
      throw new Error(outcome.status.message ?? outcome.reason)
    } catch (error) {
      if (!passes(error) || attempt >= mostAttempts) throw error
      await sleep(pauseMs)
    }
  }
}

const passes = (error: unknown): boolean =>
  error instanceof ClusterUnreachable || (error instanceof ApiError && (error.code === 429 || error.code >= 500))
