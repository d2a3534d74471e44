import {
  type Client,
  Controller,
  type ControllerOptions,
  type EventContent,
  isForbidden,
  isGone,
  type KubeObject,
  type ObjectKey,
  type Outcome,
  type Pod,
  pods,
  type Requeue,
  refOf,
} from '@kosmos/kube'
import { isBefore, turnOf } from '../reservations/turn.ts'
import { claimsOf, readClaims } from '../volumes/claims.ts'
import { reachOf } from '../volumes/reach.ts'
import { placementEvents } from './events.ts'
import type { LedgerChange } from './ledger.ts'
import { deletionCostPatch, openPatch, seatPatch } from './patch.ts'
import type { Obstacle } from './place.ts'
import { gatesOfOthers, isGated } from './standing.ts'
import type { Decision, PlacementState } from './state.ts'
import { hasUnheard } from './unheard.ts'

type AimedDecision = Decision & { kind: 'seat' | 'anyRoom' }

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

/**
 * A leader relies on its Lease for 10 s, and the next takes it after 15 s (leases/timing.ts of kube): what it sent at the last moment
 * is given up before.
 */
const PATCH_MS = 4_000

/** A policy is told of sooner as a rule, and then all pods of its namespace are looked at. */
const UNHEARD_MS = 500

/** With the rights of an earlier version: kube-scheduler alone minds volumes then, and the pod need not wait for an administrator. */
function noneIfForbidden(error: unknown): [] {
  if (!isForbidden(error)) throw error
  return []
}

/** Gives gated pods their places: decides in one go, without a request in between, then tells the API server. Where volumes are is read before. */
export class PlacementController {
  readonly controller: Controller<ObjectKey>
  readonly #options: PlacementOptions
  readonly #told = new Map<ObjectKey, string>()
  /** Pods that wait for room or a node, and what was decided about them. */
  readonly #held = new Map<ObjectKey, Decision>()

  constructor(options: PlacementOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'placement',
      reconcile: async (key) => await this.#reconcile(key),
      concurrency: CONCURRENCY,
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.synced)
  }

  /** How many pods it has told something, or looks at again when there is room. */
  get remembered(): number {
    return new Set([...this.#told.keys(), ...this.#held.keys()]).size
  }

  /** A pod appeared, changed or went. */
  podChanged(pod: Pod, key: ObjectKey): void {
    if (isGated(pod)) {
      this.controller.enqueue(key)
      return
    }
    this.#told.delete(key)
    this.#held.delete(key)
  }

  /** A node has changed, a pod has left it, or it is kept for nobody any more: who waits for room on it is looked at again. */
  roomChanged(name: string): void {
    const { state, podOf } = this.#options
    const concerned = [...this.#held].flatMap(([key, decision]) => {
      const pod = podOf(key)
      const withinMs = pod && state.roomWithinMs(pod, decision, name)
      return pod === undefined || withinMs === undefined ? [] : [{ turn: turnOf(pod), withinMs }]
    })
    concerned.sort((a, b) => (isBefore(a.turn, b.turn) ? -1 : 1))
    for (const { turn, withinMs } of concerned) this.controller.enqueueAfter(turn.key, withinMs)
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const pod = this.#options.podOf(key)
    this.#held.delete(key)
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) this.#told.delete(key)
    else if (gatesOfOthers(pod).length > 0) this.#tell(pod, key, placementEvents.otherGates(gatesOfOthers(pod)))
    else if (isGated(pod)) return await this.#place(pod, key)
    else await this.#orderDeletions(pod, key)
    return undefined
  }

  async #place(pod: Pod, key: ObjectKey): Promise<Requeue> {
    const { root, podOf, state, changed } = this.#options
    if (claimsOf(pod).length > 0) {
      const claims = await readClaims(root, pod).catch(noneIfForbidden)
      // It is another by now, which is told of.
      if (podOf(key) !== pod) return undefined
      state.setReach(key, reachOf(claims))
    }
    let decision = state.decide(pod)
    if (decision.kind === 'anywhere' && decision.distribution === undefined) {
      // Something has held it at the gate, which may be told of later than the pod.
      if (await hasUnheard(root, state, pod.metadata.namespace)) return { afterMs: UNHEARD_MS }
      if (podOf(key) !== pod) return undefined
      decision = state.decide(pod)
    }
    changed(state.commit(pod, decision))
    if (decision.kind === 'wait') {
      if (state.waitsForVolumes(key)) this.#held.set(key, decision)
      this.#tell(pod, key, placementEvents.quotaReached(decision.policy, decision.asked))
    } else if (decision.kind === 'anywhere') await this.#patch(key, openPatch(pod, undefined, decision))
    else if (decision.offer === 'room' || decision.offer === 'byPreemption') await this.#open(pod, key, decision)
    else this.#hold(pod, key, decision, decision.offer)
    return undefined
  }

  async #open(pod: Pod, key: ObjectKey, decision: AimedDecision): Promise<void> {
    this.#told.delete(key)
    const { policy } = decision
    const patch =
      decision.kind === 'seat'
        ? seatPatch(pod, decision.policy, decision.seat, decision)
        : openPatch(pod, policy, decision)
    const outcome = await this.#patch(key, patch)
    if (outcome.ok) return
    const { state, podOf, changed, record } = this.#options
    changed(state.withdraw(key, podOf(key)))
    if (isGone(outcome)) return
    const why = outcome.status.message ?? outcome.reason
    record(pod, placementEvents.placementRefused(policy, why))
    throw new Error(`pod ${key}: ${why}`)
  }

  #hold(pod: Pod, key: ObjectKey, decision: AimedDecision, offer: Obstacle): void {
    this.#held.set(key, decision)
    const withinMs = this.#options.state.roomWithinMs(pod, decision)
    if (withinMs !== undefined) this.controller.enqueueAfter(key, withinMs)
    const event =
      decision.kind === 'seat'
        ? placementEvents.placeKept(decision.policy, decision.value, offer)
        : placementEvents.noRoom(decision.policy, offer)
    this.#tell(pod, key, event)
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

  async #patch(key: ObjectKey, patch: object): Promise<Outcome<KubeObject>> {
    const signal = AbortSignal.timeout(PATCH_MS)
    // The watch tells what became of the pod; of the answer only whether it was a yes is read.
    const options = { type: 'strategic', signal, metadataOnly: true } as const
    return await this.#options.root.patch<KubeObject>(pods, refOf(key), patch, options)
  }
}
