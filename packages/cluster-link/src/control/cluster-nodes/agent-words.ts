import { type Lease, leaseExpiry, type ObservedLease, observeLease } from '@kosmos/kube'
import { wordEveryMs, wordsMissed } from '../../model/agent-word.ts'

/** Whether what an agent said last holds still. */
export type Word =
  /** It was renewed while this process looked; `forMs`: so long it counts without another renewal. */
  | { readonly kind: 'current'; readonly forMs: number }
  /** This process has not looked for long enough to tell. */
  | { readonly kind: 'unheard'; readonly forMs: number }
  /** Not renewed, as far as this process has seen, for `silentMs`. */
  | { readonly kind: 'silent'; readonly silentMs: number }

interface Seen {
  readonly observed: ObservedLease
  readonly hasChanged: boolean
}

/**
 * How old the words of a cluster's agents are, by when this process saw their Leases change: clocks of nodes, of the
 * cluster and of the root differ, and none is compared with another. Times are passed in: ms of one monotonic clock.
 */
export class AgentWords {
  readonly #seen = new Map<string, Seen>()
  /** Since when an agent without a Lease is waited for. */
  readonly #missing = new Map<string, number>()

  /** The Lease of a node is like this. @returns whether it tells more than that the agent lives as before */
  saw(lease: Lease, now: number): boolean {
    const { name } = lease.metadata
    const before = this.#seen.get(name)
    const until = before?.hasChanged ? leaseExpiry(before.observed) : now
    const observed = observeLease(before?.observed, lease, now)
    const isRenewed = before ? observed.at === now : this.#missing.has(name)
    this.#seen.set(name, { observed, hasChanged: before?.hasChanged === true || isRenewed })
    this.#missing.delete(name)
    return now >= until || leaseExpiry(observed) < until
  }

  gone(node: string): void {
    this.#seen.delete(node)
  }

  of(node: string, now: number): Word {
    const seen = this.#seen.get(node)
    if (seen === undefined && !this.#missing.has(node)) this.#missing.set(node, now)
    const since = seen?.observed.at ?? this.#missing.get(node) ?? now
    const until = seen ? leaseExpiry(seen.observed) : since + wordsMissed * wordEveryMs
    if (now >= until) return { kind: 'silent', silentMs: now - since }
    return { kind: seen?.hasChanged ? 'current' : 'unheard', forMs: until - now }
  }
}
