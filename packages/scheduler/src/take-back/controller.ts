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
import { stuckInLeaf, takeBack } from './decide.ts'
import { takeBackEvents } from './events.ts'

export interface TakeBackOptions {
  readonly root: Client
  readonly podOf: (key: ObjectKey) => Pod | undefined
  readonly state: PlacementState
  readonly record: (regarding: KubeObject, event: EventContent) => void
  /** Hears of policies whose pods a node has refused. */
  readonly refused: (policy: ObjectKey) => void
  /** How long a leaf may look for a node. */
  readonly afterMs: number
  readonly synced: Promise<unknown>
  readonly onReconcile?: ControllerOptions<ObjectKey>['onReconcile']
}

/** Takes back pods that we have placed and that their leaf finds no node for after all. */
export class TakeBackController {
  readonly controller: Controller<ObjectKey>
  readonly #options: TakeBackOptions
  /** Since when a pod is seen stuck, by our own clock: that of the leaf may be wrong. */
  readonly #stuck = new Map<ObjectKey, { readonly uid: string; readonly since: number; isSettled: boolean }>()

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
    if (this.#stuck.has(key) || (pod && stuckInLeaf(pod) !== undefined)) this.controller.enqueue(key)
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const { podOf, afterMs } = this.#options
    const pod = podOf(key)
    const words = pod && stuckInLeaf(pod)
    if (pod === undefined || words === undefined) {
      this.#stuck.delete(key)
      return
    }
    const known = this.#stuck.get(key)
    const { uid } = pod.metadata
    const stuck = known?.uid === uid ? known : { uid, since: performance.now(), isSettled: false }
    this.#stuck.set(key, stuck)
    if (stuck.isSettled) return
    const remaining = stuck.since + afterMs - performance.now()
    if (remaining > 0) return { afterMs: remaining }
    stuck.isSettled = await this.#takeBack(pod, key, words)
    return stuck.isSettled ? undefined : { afterMs: 1_000 }
  }

  /** Whether there is nothing more to do about it. */
  async #takeBack(pod: Pod, key: ObjectKey, words: string): Promise<boolean> {
    const { state, record, refused, afterMs } = this.#options
    const policy = state.ledger.membership(key)?.policy
    const action = takeBack(pod)
    if (action === undefined) return true
    // Before the eviction, so that its successor is not sent there again.
    if (action !== 'hasVolumes') {
      state.refuse(pod, words)
      if (policy) refused(policy.key)
    }
    if (action === 'evict') {
      const eviction = await evict(this.#options.root, pod)
      // It may have found its node.
      if (eviction === 'changed') return false
      if (eviction !== 'gone') throw new Error(`pod ${key} cannot be evicted: ${eviction.refused}`)
    }
    const seconds = Math.round(afterMs / 1000)
    const event =
      action === 'evict'
        ? takeBackEvents.takenBack(pod, seconds, words)
        : takeBackEvents.notTakenBack(pod, seconds, words, action)
    record(pod, event)
    return true
  }
}
