import { microTime } from '../objects/micro-time.ts'
import type { Lease } from '../objects/types.ts'
import { decideLease, type LeaseDecision, type ObservedLease, observe } from './decide.ts'
import type { LeaseTiming } from './timing.ts'

/**
 * What one candidate knows of a lease, and whether it holds it. Pure: times are passed in, ms of a monotonic clock; who
 * does the requests says what was sent and what came back.
 *
 * Never two hold at once: a holder relies on a renewal from when it was sent, for the renew deadline; others count the
 * longer lease duration from when they saw it, and take the lease by a write that is tied to the very version they saw.
 */
export class Candidate {
  readonly identity: string
  readonly #timing: LeaseTiming
  #observed: ObservedLease | undefined
  #known = false
  #heldUntil = Number.NEGATIVE_INFINITY

  constructor(identity: string, timing: LeaseTiming) {
    this.identity = identity
    this.#timing = timing
  }

  holds(now: number): boolean {
    return now < this.#heldUntil
  }

  get heldUntil(): number {
    return this.#heldUntil
  }

  /** Who has the lease as far as we know; undefined if nobody does. */
  get holder(): string | undefined {
    return this.#observed?.lease.spec?.holderIdentity || undefined
  }

  /** `read` comes first unless the last write told how the lease looks. */
  decide(now: number): LeaseDecision | { readonly action: 'read' } {
    return this.#known ? decideLease(this.#observed, this.identity, now) : { action: 'read' }
  }

  /** A read returned this. */
  saw(lease: Lease | undefined, now: number): void {
    this.#observed = lease && observe(this.#observed, lease, now)
    // Of a lease of somebody else, only a new look can tell that it was renewed.
    this.#known = true
  }

  /** The lease was written for us; the request was sent at `sentAt`. */
  wrote(lease: Lease, sentAt: number, now: number): void {
    this.saw(lease, now)
    this.#heldUntil = sentAt + this.#timing.renewDeadlineMs
  }

  /** What is known may be out of date: the next decision is to read. */
  unsure(): void {
    this.#known = false
  }

  /** From now on it does not hold the lease, whatever the lease says; before a release is sent. */
  resign(): void {
    this.#heldUntil = Number.NEGATIVE_INFINITY
    this.#known = false
  }

  /** The spec that takes or renews the lease. */
  claim(wallClock: Date): NonNullable<Lease['spec']> {
    const old = this.#observed?.lease.spec
    const renews = old?.holderIdentity === this.identity
    const now = microTime(wallClock)
    return {
      ...old,
      holderIdentity: this.identity,
      leaseDurationSeconds: this.#timing.leaseDurationMs / 1000,
      renewTime: now,
      acquireTime: renews ? (old.acquireTime ?? now) : now,
      leaseTransitions: (old?.leaseTransitions ?? 0) + (renews || old === undefined ? 0 : 1),
    }
  }

  /** The lease to be written over the one observed, and only that version of it. */
  replacement(spec: NonNullable<Lease['spec']>): Lease {
    if (!this.#observed) throw new TypeError('there is no lease to replace')
    return { ...this.#observed.lease, spec }
  }
}
