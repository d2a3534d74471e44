import { setTimeout as sleep } from 'node:timers/promises'

/** Between two steps of a round. */
const STEP_MS = 100
/** Nodes in a step, as long as a round lasts no longer than it may. */
const STEP_NODES = 10
/** How long a round may last: less than the time between two heartbeats. */
const ROUND_MS = 8_000

/** How many of so many nodes go in each step of a round. Pure. */
export function stepSize(nodes: number): number {
  return Math.max(STEP_NODES, Math.ceil((nodes * STEP_MS) / ROUND_MS))
}

export interface Round<T> {
  /** Stops the round before its next step. */
  readonly signal: AbortSignal
  readonly renew: (node: T) => Promise<void>
  /** Told of the first failure only: when the root does not answer, all of them fail. */
  readonly onFailure: (error: Error) => void
  /** Lets the time between two steps pass, or less when the signal aborts. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>
}

const sleeping: NonNullable<Round<unknown>['pause']> = (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {})

/**
 * Renews the Leases of all nodes of a leaf, in even steps: all at once, those of hundreds of nodes would be a burst every ten
 * seconds. A step does not wait for the one before, so that a slow answer makes no other Lease late.
 */
export async function leaseRound<T>(
  nodes: readonly T[],
  { signal, renew, onFailure, pause = sleeping }: Round<T>,
): Promise<void> {
  const size = stepSize(nodes.length)
  const renewals: Promise<void>[] = []
  let failed = false
  const fail = (error: Error) => {
    if (!failed) onFailure(error)
    failed = true
  }
  for (let next = 0; next < nodes.length && !signal.aborted; next += size) {
    if (next > 0) await pause(STEP_MS, signal)
    if (signal.aborted) break
    renewals.push(...nodes.slice(next, next + size).map((node) => renew(node).catch(fail)))
  }
  await Promise.all(renewals)
}
