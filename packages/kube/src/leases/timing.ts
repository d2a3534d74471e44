export interface LeaseTiming {
  /** How long others wait, without seeing a renewal, before they take the lease. Whole seconds. */
  readonly leaseDurationMs: number
  /** How long the holder relies on its last renewal; less than the duration, and what is between covers drifting clocks. */
  readonly renewDeadlineMs: number
  /** Pause between attempts to take or renew it. */
  readonly retryPeriodMs: number
}

/** client-go's recommendation. */
const DEFAULT_TIMING: LeaseTiming = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 }

/** How much longer than the period a pause may be, so that candidates do not stay in step. */
export const JITTER = 1.2

/** @throws RangeError if the timing could not keep two from holding a lease, or would lose it all the time */
export function checkedTiming(given: Partial<LeaseTiming>): LeaseTiming {
  const timing = { ...DEFAULT_TIMING, ...given }
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = timing
  if (!(retryPeriodMs > 0 && renewDeadlineMs > retryPeriodMs * JITTER)) {
    throw new RangeError(
      `renewDeadlineMs ${renewDeadlineMs} must be more than ${JITTER} × retryPeriodMs ${retryPeriodMs}`,
    )
  }
  if (leaseDurationMs <= renewDeadlineMs || leaseDurationMs % 1000 !== 0) {
    throw new RangeError(
      `leaseDurationMs ${leaseDurationMs} must be whole seconds and more than renewDeadlineMs ${renewDeadlineMs}`,
    )
  }
  return timing
}
