import {
  type Client,
  Controller,
  type ControllerOptions,
  type EventContent,
  type KubeObject,
  type ObjectKey,
  type Outcome,
  type Pod,
  pods,
  refOf,
} from '@kosmos/kube'
import type { NodeOffers } from '../nodes/offers.ts'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import type { Seat } from '../seats/seats.ts'
import { placementEvents } from './events.ts'
import type { Ledger, LedgerChange, Membership } from './ledger.ts'
import { deletionCostPatch, openPatch, seatPatch } from './patch.ts'
import { freeSeat, place } from './place.ts'
import { isGated } from './standing.ts'

export interface PlacementOptions {
  readonly root: Client
  readonly podOf: (key: ObjectKey) => Pod | undefined
  readonly ledger: Ledger
  readonly offers: NodeOffers
  readonly record: (regarding: KubeObject, event: EventContent) => void
  /** Hears of changes of counts that a refusal brought about. */
  readonly changed: (changes: readonly LedgerChange[]) => void
  readonly synced: Promise<unknown>
  readonly onReconcile?: ControllerOptions<ObjectKey>['onReconcile']
}

/** Requests under way at once; decisions are made one after the other whatever this is. */
const CONCURRENCY = 64

/** Gives gated pods their places: decides in one go, without a request in between, then tells the API server. */
export class PlacementController {
  readonly controller: Controller<ObjectKey>
  readonly #options: PlacementOptions
  readonly #told = new Map<ObjectKey, string>()

  constructor(options: PlacementOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'placement',
      reconcile: async (key) => await this.#reconcile(key),
      concurrency: CONCURRENCY,
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.synced)
  }

  async #reconcile(key: ObjectKey): Promise<undefined> {
    const { podOf, ledger } = this.#options
    const pod = podOf(key)
    if (pod === undefined) this.#told.delete(key)
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return
    const member = ledger.membership(key)
    if (!isGated(pod)) await this.#orderDeletions(pod, key, member)
    else if (member === undefined) await this.#patch(key, openPatch(pod, undefined))
    else await this.#place(pod, key, member)
  }

  async #place(pod: Pod, key: ObjectKey, member: Membership): Promise<void> {
    const { ledger, changed } = this.#options
    // An answer that did not arrive may have been a yes, so the same is asked again.
    const seat = ledger.promised(key) ?? this.#decide(pod, member)
    if (seat === 'wait') return this.#tellWhy(pod, key, member.policy)
    if (seat === 'anywhere') return void (await this.#patch(key, openPatch(pod, member.policy)))
    this.#told.delete(key)
    changed(ledger.promise(pod, key, seat))
    const outcome = await this.#patch(key, seatPatch(pod, member.policy, seat))
    if (!outcome.ok) this.#refused(pod, key, member.policy, outcome)
  }

  /** Once a pod: that its turn has come and there is still no place for it is no news. */
  #tellWhy(pod: Pod, key: ObjectKey, policy: CompiledPolicy): void {
    if (this.#told.get(key) === pod.metadata.uid) return
    this.#told.set(key, pod.metadata.uid)
    this.#options.record(pod, placementEvents.quotaReached(policy))
  }

  #decide(pod: Pod, { policy, group }: Membership): Seat | 'wait' | 'anywhere' {
    const offered = this.#options.offers.valuesFor(pod, policy.topologyKey)
    const placement = place({
      policy,
      taken: group.taken,
      asked: pod.spec.nodeSelector?.[policy.topologyKey],
      isOffered: (share) => offered.has(policy.shares[share]?.name ?? ''),
    })
    return placement.kind === 'share' ? freeSeat(placement.share, group.numbers(placement.share)) : placement.kind
  }

  #refused(pod: Pod, key: ObjectKey, policy: CompiledPolicy, { reason, status }: Outcome<Pod> & { ok: false }): void {
    const { ledger, podOf, changed, record } = this.#options
    const current = podOf(key)
    changed(current ? ledger.withdraw(current, key) : ledger.delete(key))
    if (reason === 'NotFound' || reason === 'OtherIncarnation') return
    record(pod, placementEvents.placementRefused(policy, status.message ?? reason))
    throw new Error(`pod ${key}: ${status.message ?? reason}`)
  }

  /** Which pods a ReplicaSet gives up first follows from the policy, so it changes with it. */
  async #orderDeletions(pod: Pod, key: ObjectKey, member: Membership | undefined): Promise<void> {
    const seat = member?.group.seatOf(key)
    const patch = member && seat && deletionCostPatch(pod, member.policy, seat)
    if (patch) await this.#patch(key, patch)
  }

  async #patch(key: ObjectKey, patch: object): Promise<Outcome<Pod>> {
    return await this.#options.root.patch(pods, refOf(key), patch, { type: 'strategic' })
  }
}
