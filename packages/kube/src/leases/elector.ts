import type { Client } from '../client/client.ts'
import type { ObjectRef } from '../objects/key.ts'
import { leases } from '../objects/resources.ts'
import type { Lease } from '../objects/types.ts'
import { errorOf, observe } from '../observe/observe.ts'
import { pause } from '../signals/pause.ts'
import { Candidate } from './candidate.ts'
import { checkedTiming, JITTER, type LeaseTiming } from './timing.ts'

export interface LeaderElectorOptions extends Partial<LeaseTiming> {
  readonly client: Client
  readonly lease: ObjectRef & { readonly namespace: string }
  /** Unique to this process: two with the same identity would both lead. */
  readonly identity: string
  /**
   * What only the leader does, until the signal aborts. The lease is kept and not released before the promise settles; a
   * rejection gives the lease up and ends {@link LeaderElector.run}. `lost` aborts when another may lead at any moment: what is still
   * under way then is to be given up, not to be ended in good order.
   */
  readonly onStarted: (signal: AbortSignal, lost: AbortSignal) => Promise<void> | void
  /** After every term, when the work has ended. */
  readonly onStopped?: () => void
  readonly onNewLeader?: (identity: string) => void
  /** Attempts that failed; they are made again. */
  readonly onError?: (error: Error) => void
}

/**
 * Leader election by a Lease, compatible with client-go's tools/leaderelection. It differs in that a holder counts from
 * when its renewal was sent, that the work ends before the lease is released, and that it stands again after a loss.
 *
 * A process that was frozen may run a moment before its signal aborts: what must not happen twice asks
 * {@link LeaderElector.isLeader} right before, and writes with preconditions.
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions
  readonly #timing: LeaseTiming
  readonly #candidate: Candidate
  #reported: string | undefined

  /** @throws RangeError for a timing that cannot work */
  constructor(options: LeaderElectorOptions) {
    this.#options = options
    this.#timing = checkedTiming({
      ...(options.leaseDurationMs !== undefined && { leaseDurationMs: options.leaseDurationMs }),
      ...(options.renewDeadlineMs !== undefined && { renewDeadlineMs: options.renewDeadlineMs }),
      ...(options.retryPeriodMs !== undefined && { retryPeriodMs: options.retryPeriodMs }),
    })
    this.#candidate = new Candidate(options.identity, this.#timing)
  }

  /** By the clock: false from the renew deadline on, even if nothing has run since. */
  get isLeader(): boolean {
    return this.#candidate.holds(performance.now())
  }

  /** The identity of the leader as far as known. */
  get leader(): string | undefined {
    return this.#candidate.holder
  }

  /** Stands for election, leads, and stands again, until the signal aborts; then releases the lease if it has it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#attempt(AbortSignal.any([signal, AbortSignal.timeout(this.#timing.renewDeadlineMs)]))
      if (this.isLeader) await this.#lead(signal)
      if (!signal.aborted) await pause(this.#retryPause(), signal)
    }
  }

  async #lead(stop: AbortSignal): Promise<void> {
    const term = new AbortController()
    const lost = new AbortController()
    const ended = new AbortController()
    let failure: unknown
    const work = (async () => this.#options.onStarted(term.signal, lost.signal))()
    // Renewals go on until the work has ended: nobody else may begin before.
    const end = async () => {
      term.abort()
      await work.catch(() => {})
      ended.abort()
    }
    stop.addEventListener('abort', end, { once: true })
    if (stop.aborted) void end()
    work.catch((error: unknown) => {
      failure = error ?? new Error('the work of the leader failed')
      void end()
    })

    await pause(this.#timing.retryPeriodMs, ended.signal)
    while (!ended.signal.aborted && this.isLeader) {
      const left = AbortSignal.timeout(Math.max(1, Math.floor(this.#candidate.heldUntil - performance.now())))
      await this.#attempt(AbortSignal.any([left, ended.signal]))
      await pause(Math.min(this.#timing.retryPeriodMs, this.#candidate.heldUntil - performance.now()), ended.signal)
    }
    stop.removeEventListener('abort', end)
    term.abort()
    if (!this.isLeader) lost.abort()
    await work.catch(() => {})
    if (this.isLeader) await this.#release()
    observe(this.#options.onStopped)
    if (failure !== undefined) throw failure
  }

  /** One attempt to take or renew the lease; failures are reported, the candidate knows the result. */
  async #attempt(signal: AbortSignal): Promise<void> {
    try {
      if (!(await this.#write(signal))) this.#candidate.unsure()
    } catch (error) {
      this.#candidate.unsure()
      if (!signal.aborted) observe(this.#options.onError, errorOf(error))
    }
    const leader = this.leader
    if (leader !== undefined && leader !== this.#reported) {
      this.#reported = leader
      observe(this.#options.onNewLeader, leader)
    }
  }

  /** Resolves to whether the lease is known as it is now. */
  async #write(signal: AbortSignal): Promise<boolean> {
    const { client, lease: ref } = this.#options
    const candidate = this.#candidate
    if (candidate.decide(performance.now()).action === 'read') {
      const lease = await client.get(leases, ref, signal)
      candidate.saw(lease, performance.now())
    }
    const sentAt = performance.now()
    const { action } = candidate.decide(sentAt)
    if (action === 'wait' || action === 'read') return false
    const spec = candidate.claim(new Date())
    const outcome =
      action === 'create'
        ? await client.create(leases, { metadata: { ...ref }, spec } as object, { signal })
        : await client.replace(leases, candidate.replacement(spec), { signal })
    if (outcome.ok) candidate.wrote(outcome.object, sentAt, performance.now())
    else if (outcome.reason === 'Forbidden' || outcome.reason === 'Invalid') throw new Error(outcome.status.message)
    return outcome.ok
  }

  /** Lets the next one take the lease at once. If that fails it expires. */
  async #release(): Promise<void> {
    const { client, lease: ref, identity, onError } = this.#options
    this.#candidate.resign()
    const signal = AbortSignal.timeout(this.#timing.renewDeadlineMs)
    try {
      // A renewal that was cut off may still be on its way, so that the version changes under a release.
      for (;;) {
        const lease = await client.get(leases, ref, signal)
        if (lease?.spec?.holderIdentity !== identity) return
        const released: Lease = { ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 } }
        const outcome = await client.replace(leases, released, { signal })
        if (outcome.ok || outcome.reason !== 'Conflict') return
      }
    } catch (error) {
      observe(onError, errorOf(error))
    }
  }

  #retryPause(): number {
    return this.#timing.retryPeriodMs * (1 + (JITTER - 1) * Math.random())
  }
}
