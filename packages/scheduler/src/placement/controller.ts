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
import { placementEvents } from './events.ts'
import type { LedgerChange } from './ledger.ts'
import { deletionCostPatch, openPatch, seatPatch } from './patch.ts'
import type { Offer } from './place.ts'
import { isGated } from './standing.ts'
import type { Decision, PlacementState } from './state.ts'

type SeatDecision = Decision & { kind: 'seat' }

export interface PlacementOptions {
  readonly root: Client
  readonly podOf: (key: ObjectKey) => Pod | undefined
  readonly state: PlacementState
  readonly record: (regarding: KubeObject, event: EventContent) => void
  /** Hears of changes of counts that a decision or its refusal brought about. */
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

  /** A node has changed, or a pod has left it: who waits for a node like that is looked at again. */
  roomChanged({ metadata: { labels } }: Node): void {
    for (const [key, { topologyKey, value }] of this.#held) {
      if (labels?.[topologyKey] === value) this.controller.enqueue(key)
    }
  }

  async #reconcile(key: ObjectKey): Promise<undefined> {
    const pod = this.#options.podOf(key)
    this.#held.delete(key)
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) this.#told.delete(key)
    else if (isGated(pod)) await this.#place(pod, key)
    else await this.#orderDeletions(pod, key)
  }

  async #place(pod: Pod, key: ObjectKey): Promise<void> {
    const { state, changed } = this.#options
    const decision = state.decide(pod)
    changed(state.commit(pod, decision))
    if (decision.kind === 'wait') this.#tell(pod, key, placementEvents.quotaReached(decision.policy))
    else if (decision.kind === 'anywhere') await this.#patch(key, openPatch(pod, decision.policy, decision))
    else if (decision.offer === 'room') await this.#open(pod, key, decision)
    else this.#hold(pod, key, decision, decision.offer)
  }

  async #open(pod: Pod, key: ObjectKey, { policy, seat, avoid, distribution }: SeatDecision): Promise<void> {
    this.#told.delete(key)
    const outcome = await this.#patch(key, seatPatch(pod, policy, seat, { avoid, distribution }))
    if (outcome.ok) return
    const { state, podOf, changed, record } = this.#options
    changed(state.withdraw(key, podOf(key)))
    if (outcome.reason === 'NotFound' || outcome.reason === 'OtherIncarnation') return
    const why = outcome.status.message ?? outcome.reason
    record(pod, placementEvents.placementRefused(policy, why))
    throw new Error(`pod ${key}: ${why}`)
  }

  #hold(pod: Pod, key: ObjectKey, { policy, value }: SeatDecision, offer: Exclude<Offer, 'room'>): void {
    this.#held.set(key, { topologyKey: policy.topologyKey, value })
    const withinMs = this.#options.state.roomWithinMs(pod, policy, value)
    if (withinMs !== undefined) this.controller.enqueueAfter(key, withinMs)
    this.#tell(pod, key, placementEvents.placeKept(policy, value, offer))
  }

  /** Once a pod and reason: that its turn has come and nothing is different is no news. */
  #tell(pod: Pod, key: ObjectKey, event: EventContent): void {
    const told = `${pod.metadata.uid} ${event.note}`
    if (this.#told.get(key) === told) return
    this.#told.set(key, told)
    this.#options.record(pod, event)
  }

  /** Which pods a ReplicaSet gives up first follows from the policy, so it changes with it. */
  async #orderDeletions(pod: Pod, key: ObjectKey): Promise<void> {
    const member = this.#options.state.ledger.membership(key)
    const seat = member?.group.seatOf(key)
    const patch = member && seat && deletionCostPatch(pod, member.policy, seat)
    if (patch) await this.#patch(key, patch)
  }

  async #patch(key: ObjectKey, patch: object): Promise<Outcome<Pod>> {
    return await this.#options.root.patch(pods, refOf(key), patch, { type: 'strategic' })
  }
}
