import type { Lease } from '../objects/types.ts'

/**
 * A lease and when, on our own monotonic clock (ms), its record was first seen as it is. Expiry counts from there: the
 * clocks of others are never read.
 */
export interface ObservedLease {
  readonly lease: Lease
  readonly at: number
}

export type LeaseDecision =
  | { readonly action: 'create' }
  /** It is ours. */
  | { readonly action: 'renew' }
  | { readonly action: 'take'; readonly reason: 'released' | 'expired' }
  /** Somebody else has it, at least until then. */
  | { readonly action: 'wait'; readonly until: number }

/** Adds a look at the lease to what was observed before. Other changes than of its record extend nothing. */
export function observe(before: ObservedLease | undefined, lease: Lease, now: number): ObservedLease {
  const same = before?.lease.metadata.uid === lease.metadata.uid && recordOf(before.lease) === recordOf(lease)
  return { lease, at: same ? before.at : now }
}

/** When the lease may be taken from its holder, on our clock. */
export function expiryOf({ lease, at }: ObservedLease): number {
  return at + (lease.spec?.leaseDurationSeconds ?? 0) * 1000
}

/**
 * What a candidate does about a lease that it read (undefined: there is none), as tryAcquireOrRenew of client-go's
 * tools/leaderelection. Pure.
 */
export function decideLease(observed: ObservedLease | undefined, identity: string, now: number): LeaseDecision {
  if (observed === undefined) return { action: 'create' }
  const holder = observed.lease.spec?.holderIdentity
  if (!holder) return { action: 'take', reason: 'released' }
  if (holder === identity) return { action: 'renew' }
  const until = expiryOf(observed)
  return now >= until ? { action: 'take', reason: 'expired' } : { action: 'wait', until }
}

function recordOf({ spec }: Lease): string {
  return [spec?.holderIdentity, spec?.renewTime, spec?.leaseTransitions, spec?.leaseDurationSeconds].join()
}
