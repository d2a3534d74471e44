import type { Client } from '../../client/client.ts'
import { leases } from '../../objects/resources.ts'
import type { Lease } from '../../objects/types.ts'
import { errorOf, observe } from '../../observe/observe.ts'
import { Informer } from '../../reflector/informer.ts'
import { aborted } from '../../signals/aborted.ts'
import { pause } from '../../signals/pause.ts'
import { expiryOf, type ObservedLease, observe as observeLease } from '../decide.ts'
import { checkedTiming, type LeaseTiming } from '../timing.ts'
import { decideShards } from './decide.ts'
import { Member, type MemberOptions } from './member.ts'
import { groupLabel, leaseNames } from './names.ts'
import { claimShard, evictMember, releaseShard, removeShard, type ShardRequests } from './requests.ts'
import { ShardWorkers } from './workers.ts'

export interface ShardLeasesOptions {
  readonly client: Client
  readonly namespace: string
  /** Which division this is about, a DNS label; its members divide its shards. */
  readonly group: string
  /** Of this replica, for people who look at the leases; a DNS label. */
  readonly identity: string
  /**
   * Works on a shard until the signal aborts. The shard goes to nobody else before the promise settles; after a rejection
   * it is called again, later and later.
   */
  readonly onShard: (shard: string, signal: AbortSignal) => Promise<void> | void
  readonly timing?: Partial<LeaseTiming>
  /** Requests that failed; they are made again. */
  readonly onError?: (error: Error) => void
}

/**
 * Divides shards over the replicas that live. Each replica renews one Lease, its member Lease; each shard has a Lease that
 * names its member and is written only when it changes hands, so that the steady state costs one write a replica and period.
 *
 * Never two own a shard: a shard is taken by a write tied to the version that was read, when it was released or when the
 * member Lease of its holder is gone; and a member Lease is deleted only by a member that has stopped, or, tied to its
 * version, after nobody renewed it for the lease duration, which is longer than a member relies on a renewal. A process
 * that was frozen may run a moment before its signals abort: see {@link ShardLeases.owns}.
 */
export class ShardLeases {
  readonly #options: ShardLeasesOptions
  readonly #member: MemberOptions
  readonly #requests: ShardRequests
  readonly #informer: Informer<Lease>
  readonly #workers: ShardWorkers
  readonly #members = new Map<string, ObservedLease>()
  /** Shards that the present life holds, and the version in which it took them. */
  readonly #held = new Map<string, Lease>()
  readonly #releasing = new Set<string>()
  #life: Member | undefined
  #shards: ReadonlySet<string> = new Set()
  #wake = new AbortController()

  /** @throws RangeError for a timing that cannot work */
  constructor(options: ShardLeasesOptions) {
    const { client, namespace, group, identity, onShard } = options
    const names = leaseNames(group)
    this.#options = options
    this.#member = { client, namespace, group, names, identity, timing: checkedTiming(options.timing ?? {}) }
    this.#requests = { client, namespace, group, names, timeoutMs: this.#member.timing.renewDeadlineMs }
    this.#informer = new Informer({ client, resource: leases, namespace, labelSelector: `${groupLabel}=${group}` })
    this.#workers = new ShardWorkers({
      onShard,
      onError: (error) => this.#report(error),
      onIdle: () => this.#wake.abort(),
    })
    this.#informer.subscribe((change) => {
      const named = names.read(change.object.metadata.name)
      if (named && 'member' in named) {
        const seen = observeLease(this.#members.get(named.member), change.object, performance.now())
        if (change.type === 'deleted') this.#members.delete(named.member)
        else this.#members.set(named.member, seen)
      }
      this.#wake.abort()
    })
  }

  /** Sets what there is to be divided; shards are DNS subdomains. All replicas should say the same sooner or later. */
  setShards(shards: Iterable<string>): void {
    this.#shards = new Set(shards)
    this.#wake.abort()
  }

  /** By the clock: whether this replica may work on the shard right now. */
  owns(shard: string): boolean {
    return this.#held.has(shard) && !this.#releasing.has(shard) && this.#life?.holds === true
  }

  get owned(): string[] {
    return [...this.#held.keys()].filter((shard) => this.owns(shard))
  }

  /** Takes part until the signal aborts; then ends what runs and leaves. */
  async run(signal: AbortSignal): Promise<void> {
    const following = new AbortController()
    const informer = this.#informer.run(following.signal)
    await Promise.race([this.#informer.synced, aborted(signal)])
    while (!signal.aborted) {
      try {
        const { timing } = this.#member
        this.#life = await Member.join(
          this.#member,
          AbortSignal.any([signal, AbortSignal.timeout(timing.renewDeadlineMs)]),
        )
        await this.#live(this.#life, signal)
      } catch (error) {
        if (!signal.aborted) this.#report(error)
        await pause(this.#member.timing.retryPeriodMs, signal)
      }
    }
    following.abort()
    await informer
  }

  /** One life: until it is over, or the signal aborts and everything has ended. */
  async #live(life: Member, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const end = AbortSignal.any([signal, over.signal])
    const left = new AbortController()
    const renewing = this.#keepRenewing(life, left.signal).then(() => over.abort())
    await this.#keepDividing(life, end)
    // Renewals go on meanwhile, or nobody could rely on the work having ended.
    await this.#workers.stopAll()
    left.abort()
    await renewing
    this.#held.clear()
    this.#releasing.clear()
    this.#life = undefined
    await life.leave()
  }

  /** Until this life is over or left; whatever works ends when the last renewal can no longer be relied on. */
  async #keepRenewing(life: Member, left: AbortSignal): Promise<void> {
    const lapse = () => setTimeout(() => void this.#workers.stopAll(), Math.max(1, life.heldUntil - performance.now()))
    let lapsing = lapse()
    let alive = true
    while (alive && !left.aborted) {
      await pause(this.#member.timing.retryPeriodMs, left)
      if (left.aborted) break
      const lapsed = !life.holds
      try {
        alive = await life.renew()
        clearTimeout(lapsing)
        lapsing = lapse()
        if (lapsed) this.#wake.abort()
      } catch (error) {
        this.#report(error)
      }
    }
    clearTimeout(lapsing)
    // A round of decisions that is under way may take long.
    if (!alive) void this.#workers.stopAll()
  }

  async #keepDividing(life: Member, end: AbortSignal): Promise<void> {
    while (!end.aborted) {
      this.#wake = new AbortController()
      const waitMs = await this.#divide(life)
      await pause(waitMs, this.#wake.signal, end)
    }
  }

  /** One round of decisions and their requests; resolves to how long it may take until the next. */
  async #divide(life: Member): Promise<number> {
    const now = performance.now()
    const { names } = this.#member
    const shardLeases = new Map<string, Lease>()
    for (const lease of this.#informer.store.values()) {
      const named = names.read(lease.metadata.name)
      if (named && 'shard' in named) shardLeases.set(named.shard, lease)
    }
    const plan = decideShards(
      {
        me: life.name,
        members: new Map([...this.#members].map(([name, seen]) => [name, { expiresAt: expiryOf(seen) }])),
        holders: new Map([...shardLeases].map(([shard, lease]) => [shard, lease.spec?.holderIdentity ?? ''])),
        shards: this.#shards,
        held: new Set(this.#held.keys()),
      },
      now,
    )
    for (const shard of plan.release) if (!this.#releasing.has(shard)) void this.#release(shard)
    if (life.holds) for (const shard of this.#held.keys()) if (!this.#releasing.has(shard)) this.#workers.start(shard)
    const outcomes = await Promise.all([
      ...plan.evict.map((name) => this.#tried(evictMember(this.#requests, this.#members.get(name)?.lease))),
      ...plan.relinquish.map((shard) => this.#tried(releaseShard(this.#requests, shardLeases.get(shard)))),
      ...plan.remove.map((shard) => this.#tried(removeShard(this.#requests, shardLeases.get(shard), life.name))),
      ...plan.claim.map((shard) =>
        this.#tried(
          claimShard(this.#requests, { shard, member: life.name, lease: shardLeases.get(shard) }).then((lease) => {
            if (lease && life === this.#life) this.#held.set(shard, lease)
            this.#wake.abort()
          }),
        ),
      ),
    ])
    const retry = outcomes.includes(false) ? this.#member.timing.retryPeriodMs : Number.POSITIVE_INFINITY
    return Math.min(retry, plan.wakeAt - now, 2 ** 31 - 1)
  }

  async #release(shard: string): Promise<void> {
    const lease = this.#held.get(shard)
    if (!lease) return
    this.#releasing.add(shard)
    await this.#workers.stop(shard)
    // Forgotten before the request: whatever becomes of it, we do not hold the shard any more.
    if (this.#held.get(shard) === lease) this.#held.delete(shard)
    this.#releasing.delete(shard)
    await this.#tried(releaseShard(this.#requests, lease))
    this.#wake.abort()
  }

  async #tried(request: Promise<unknown>): Promise<boolean> {
    try {
      await request
      return true
    } catch (error) {
      this.#report(error)
      return false
    }
  }

  #report(error: unknown): void {
    observe(this.#options.onError, errorOf(error))
  }
}
