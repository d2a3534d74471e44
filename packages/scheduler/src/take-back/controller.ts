import {
  type Client,
  Controller,
  type ControllerOptions,
  type EventContent,
  type KubeObject,
  type ObjectKey,
  type Pod,
  type Requeue,
} from '@kosmos/kube'
import { evict } from '../eviction/evict.ts'
import type { PlacementState } from '../placement/state.ts'
import { type Stuck, speaksForOthers, stuckAt, type TakeBack, takeBack } from './decide.ts'
import { takeBackEvents } from './events.ts'

export interface TakeBackOptions {
  readonly root: Client
  readonly podOf: (key: ObjectKey) => Pod | undefined
  readonly state: PlacementState
  readonly record: (regarding: KubeObject, event: EventContent) => void
  /** Hears of policies whose pods a node has refused, or takes after all. */
  readonly refused: (policy: ObjectKey) => void
  /** Hears when there may be room for others. */
  readonly freed: () => void
  /** How long a scheduler may look for a node. */
  readonly afterMs: number
  readonly synced: Promise<unknown>
  readonly onReconcile?: ControllerOptions<ObjectKey>['onReconcile']
}

/** Room changes pod by pod; one look at it is enough. */
const SETTLE_MS = 1_000

interface Known {
  readonly uid: string
  readonly since: number
  readonly by: Stuck['by']
  /** What was decided last; undefined: it is not due yet. */
  action?: TakeBack | undefined
  /** Nothing more is done about it while it is stuck. */
  isSettled: boolean
}

/** Takes back pods that we have placed and that a scheduler finds no node for after all: that of their leaf, or the root's. */
export class TakeBackController {
  readonly controller: Controller<ObjectKey>
  readonly #options: TakeBackOptions
  /** Since when a pod is seen stuck, by our own clock: that of the leaf may be wrong. */
  readonly #stuck = new Map<ObjectKey, Known>()

  constructor(options: TakeBackOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'take-back',
      reconcile: async (key) => await this.#reconcile(key),
      concurrency: 8,
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.synced)
  }

  /** A pod appeared, changed or went. */
  changed(key: ObjectKey, pod: Pod | undefined): void {
    if (this.#stuck.has(key) || (pod && stuckAt(pod) !== undefined)) this.controller.enqueue(key)
  }

  /** There may be room elsewhere, or a policy says something else. */
  lookAgain(): void {
    for (const [key, { action, isSettled }] of this.#stuck) {
      if (action !== undefined && !isSettled) this.controller.enqueueAfter(key, SETTLE_MS)
    }
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const { podOf, afterMs } = this.#options
    const pod = podOf(key)
    const stuck = pod && stuckAt(pod)
    const known = this.#stuck.get(key)
    const isSame = known !== undefined && known.uid === pod?.metadata.uid
    if (pod === undefined || stuck === undefined) {
      this.#stuck.delete(key)
      if (isSame && pod && known.by === 'root' && known.action) this.#taken(pod, key)
      return
    }
    const { uid } = pod.metadata
    const { by } = stuck
    const current = isSame && known.by === by ? known : { uid, by, since: performance.now(), isSettled: false }
    this.#stuck.set(key, current)
    if (current.isSettled) return
    const remaining = current.since + afterMs - performance.now()
    if (remaining > 0) return { afterMs: remaining }
    return await this.#takeBack(pod, key, stuck, current)
  }

  async #takeBack(pod: Pod, key: ObjectKey, stuck: Stuck, known: Known): Promise<Requeue> {
    const { state, freed } = this.#options
    const told = known.action
    // Before the eviction, so that its successor is not sent there again.
    if (speaksForOthers(pod)) this.#refuse(pod, key, stuck)
    if (stuck.by === 'root') state.giveRoomBack(pod)
    freed()
    known.action = takeBack(pod, stuck, () => state.successorOf(pod))
    if (known.action === 'evict') return await this.#evict(pod, key, stuck, known)
    if (known.action !== undefined && known.action !== told) {
      this.#options.record(pod, takeBackEvents.notTakenBack(pod, this.#seconds, stuck, known.action))
    }
    known.isSettled = known.action !== 'waitsForPlace' && known.action !== 'hasNoOtherPlace'
    const withinMs = known.isSettled ? undefined : state.successorWithinMs(pod)
    return withinMs === undefined ? undefined : { afterMs: withinMs }
  }

  async #evict(pod: Pod, key: ObjectKey, stuck: Stuck, known: Known): Promise<Requeue> {
    const eviction = await evict(this.#options.root, pod)
    // It may have found its node.
    if (eviction === 'changed') return { afterMs: SETTLE_MS }
    if (eviction !== 'gone') throw new Error(`pod ${key} cannot be evicted: ${eviction.refused}`)
    known.isSettled = true
    this.#options.record(pod, takeBackEvents.takenBack(pod, this.#seconds, stuck))
    return undefined
  }

  /** Other pods like it are not sent there for a while. */
  #refuse(pod: Pod, key: ObjectKey, { words }: Stuck): void {
    const { state, refused } = this.#options
    state.refuse(pod, words)
    const policy = state.ledger.membership(key)?.policy
    if (policy) refused(policy.key)
  }

  /** It was refused and is bound after all, so others like it need not wait. */
  #taken(pod: Pod, key: ObjectKey): void {
    const { state, refused, freed } = this.#options
    if (!state.accept(pod)) return
    freed()
    const policy = state.ledger.membership(key)?.policy
    if (policy) refused(policy.key)
  }

  get #seconds(): number {
    return Math.round(this.#options.afterMs / 1000)
  }
}
