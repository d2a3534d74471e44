import { randomUUID } from 'node:crypto'
import type { Client } from '../../client/client.ts'
import { microTime } from '../../objects/micro-time.ts'
import { leases } from '../../objects/resources.ts'
import type { Lease } from '../../objects/types.ts'
import type { LeaseTiming } from '../timing.ts'
import { groupLabel, type LeaseNames } from './names.ts'

export interface MemberOptions {
  readonly client: Client
  readonly namespace: string
  readonly group: string
  readonly names: LeaseNames
  /** For readers; what makes a life unique is added. */
  readonly identity: string
  readonly timing: LeaseTiming
}

/**
 * One life of a replica: a Lease of its own under a name that is never used again. Whoever deletes that Lease, in a version
 * that was not renewed for the lease duration, knows that this life is over for good.
 */
export class Member {
  readonly name: string
  readonly #options: MemberOptions
  readonly #uid: string
  #heldUntil: number

  private constructor(options: MemberOptions, name: string, uid: string, heldUntil: number) {
    this.#options = options
    this.name = name
    this.#uid = uid
    this.#heldUntil = heldUntil
  }

  static async join(options: MemberOptions, signal: AbortSignal): Promise<Member> {
    const { client, namespace, group, names, timing } = options
    const name = `${options.identity}-${randomUUID().slice(0, 8)}`
    const sentAt = performance.now()
    const lease = {
      metadata: { namespace, name: names.member(name), labels: { [groupLabel]: group } },
      spec: {
        holderIdentity: name,
        leaseDurationSeconds: timing.leaseDurationMs / 1000,
        acquireTime: microTime(new Date()),
        renewTime: microTime(new Date()),
      },
    }
    const outcome = await client.create<Lease>(leases, lease, { signal })
    if (!outcome.ok) throw new Error(`no Lease for ${name} in ${namespace}: ${outcome.status.message}`)
    return new Member(options, name, outcome.object.metadata.uid, sentAt + timing.renewDeadlineMs)
  }

  /** By the clock, as long as nobody may have deleted the Lease. */
  get holds(): boolean {
    return performance.now() < this.#heldUntil
  }

  /** When it ends to hold unless it is renewed before; of `performance.now()`. */
  get heldUntil(): number {
    return this.#heldUntil
  }

  /** Resolves to false once this life is over. Rejects if it could not be renewed yet. */
  async renew(): Promise<boolean> {
    const { client, namespace, names, timing } = this.#options
    const sentAt = performance.now()
    const outcome = await client.patch(
      leases,
      { namespace, name: names.member(this.name) },
      { metadata: { uid: this.#uid }, spec: { renewTime: microTime(new Date()) } },
      { type: 'merge', signal: AbortSignal.timeout(timing.renewDeadlineMs) },
    )
    if (outcome.ok) this.#heldUntil = sentAt + timing.renewDeadlineMs
    else if (outcome.reason === 'Forbidden') throw new Error(outcome.status.message)
    // Others may have taken what it held.
    else this.#heldUntil = Number.NEGATIVE_INFINITY
    return outcome.ok
  }

  /** Ends this life, so that others need not wait for it to expire. What it guards must have ended. */
  async leave(): Promise<void> {
    const { client, namespace, names, timing } = this.#options
    this.#heldUntil = Number.NEGATIVE_INFINITY
    const signal = AbortSignal.timeout(timing.renewDeadlineMs)
    await client.delete(leases, { namespace, name: names.member(this.name) }, { uid: this.#uid, signal })
  }
}
