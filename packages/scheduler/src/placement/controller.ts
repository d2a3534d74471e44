import {
  type Client,
  Controller,
  type ControllerOptions,
  type EventContent,
  type KubeObject,
  type Node,
  type ObjectKey,
  type Outcome,
  type Pod,
  pods,
  refOf,
} from '@kosmos/kube'
import type { NodeOffers } from '../nodes/offers.ts'
import { type RoomBook, roomOf } from '../nodes/room-book.ts'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import type { Seat } from '../seats/seats.ts'
import { placementEvents } from './events.ts'
import type { Ledger, LedgerChange, Membership } from './ledger.ts'
import { deletionCostPatch, openPatch, seatPatch } from './patch.ts'
import { freeSeat, type Offer, type Placement, place } from './place.ts'
import { isGated } from './standing.ts'

export interface PlacementOptions {
  readonly root: Client
  readonly podOf: (key: ObjectKey) => Pod | undefined
  readonly ledger: Ledger
  readonly offers: NodeOffers
  readonly room: RoomBook
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
  /** Pods whose place is kept, and where that is. */
  readonly #held = new Map<ObjectKey, { readonly topologyKey: string; readonly value: string }>()

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
    this.#held.delete(key)
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) {
      this.#told.delete(key)
      return
    }
    const member = ledger.membership(key)
    if (!isGated(pod)) await this.#orderDeletions(pod, key, member)
    else if (member === undefined) await this.#patch(key, openPatch(pod, undefined))
    else await this.#place(pod, key, member)
  }

  /** A node has changed, or a pod has left it: who waits for a node like that is looked at again. */
  roomChanged({ metadata: { labels } }: Node): void {
    for (const [key, { topologyKey, value }] of this.#held) {
      if (labels?.[topologyKey] === value) this.controller.enqueue(key)
    }
  }

  async #place(pod: Pod, key: ObjectKey, member: Membership): Promise<void> {
    const { ledger, changed } = this.#options
    const { policy } = member
    if (ledger.isHeld(key)) ledger.withdraw(pod, key)
    // An answer that did not arrive may have been a yes, so the same is asked again.
    const promised = ledger.promised(key)
    const placement: Placement = promised
      ? { kind: 'share', share: promised.share, offer: 'room' }
      : this.#decide(pod, member)
    if (placement.kind === 'wait') return this.#tell(pod, key, placementEvents.quotaReached(policy))
    if (placement.kind === 'anywhere') return void (await this.#patch(key, openPatch(pod, policy)))
    const { share, offer } = placement
    const seat = promised ?? freeSeat(share, member.group.numbers(share))
    const isHeld = offer !== 'room'
    changed(ledger.promise(pod, key, seat, isHeld))
    if (isHeld) this.#hold(pod, key, policy, policy.shares[share]?.name ?? '', offer)
    else await this.#open(pod, key, member, seat)
  }

  #decide(pod: Pod, { policy, group }: Membership): Placement {
    const nodes = this.#options.offers.nodesFor(pod, policy.topologyKey)
    return place({
      policy,
      taken: group.taken,
      asked: pod.spec.nodeSelector?.[policy.topologyKey],
      offerOf: (share) => {
        const names = nodes.get(policy.shares[share]?.name ?? '')
        if (names === undefined) return 'noNode'
        return this.#options.room.choose(names, roomOf(pod)) === undefined ? 'noRoom' : 'room'
      },
    })
  }

  #hold(pod: Pod, key: ObjectKey, policy: CompiledPolicy, value: string, offer: Offer): void {
    const { offers, room } = this.#options
    this.#held.set(key, { topologyKey: policy.topologyKey, value })
    const freesWithinMs = room.freesWithinMs(offers.nodesFor(pod, policy.topologyKey).get(value) ?? [])
    if (freesWithinMs !== undefined) this.controller.enqueueAfter(key, freesWithinMs)
    this.#tell(pod, key, placementEvents.placeKept(policy, value, offer))
  }

  async #open(pod: Pod, key: ObjectKey, { policy }: Membership, seat: Seat): Promise<void> {
    const { offers, room } = this.#options
    const names = offers.nodesFor(pod, policy.topologyKey).get(policy.shares[seat.share]?.name ?? '')
    const node = room.choose(names ?? [], roomOf(pod))
    if (node !== undefined) room.take(key, node, roomOf(pod), false)
    this.#told.delete(key)
    const outcome = await this.#patch(key, seatPatch(pod, policy, seat))
    if (!outcome.ok) this.#refused(pod, key, policy, outcome)
  }

  /** Once a pod and reason: that its turn has come and nothing is different is no news. */
  #tell(pod: Pod, key: ObjectKey, event: EventContent): void {
    const told = `${pod.metadata.uid} ${event.note}`
    if (this.#told.get(key) === told) return
    this.#told.set(key, told)
    this.#options.record(pod, event)
  }

  #refused(pod: Pod, key: ObjectKey, policy: CompiledPolicy, { reason, status }: Outcome<Pod> & { ok: false }): void {
    const { ledger, podOf, changed, record, room } = this.#options
    const current = podOf(key)
    room.release(key)
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
