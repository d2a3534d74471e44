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
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { rebalanceEvents } from './events.ts'

export interface RebalanceOptions {
  readonly root: Client
  readonly podOf: (key: ObjectKey) => Pod | undefined
  readonly state: PlacementState
  readonly record: (regarding: KubeObject, event: EventContent) => void
  readonly synced: Promise<unknown>
  readonly onReconcile?: ControllerOptions<ObjectKey>['onReconcile']
}

/** Counts of a policy change pod by pod; one look at them is enough. */
const SETTLE_MS = 1_000
/** A PodDisruptionBudget tells nobody that it allows more. */
const REFUSED_MS = 15_000
/** So long the successor of an evicted pod may take to appear before the workload counts as smaller. */
const SUCCESSOR_MS = 30_000

/** Evicts pods of policies that ask for it, one after the other, where their successors would go where they belong. */
export class RebalanceController {
  readonly controller: Controller<ObjectKey>
  readonly #options: RebalanceOptions
  /** Since when there has been a pod to move. */
  readonly #since = new Map<ObjectKey, number>()
  /** How many pods a policy had when one was evicted, until it has as many again. */
  readonly #evicted = new Map<ObjectKey, { readonly size: number; readonly at: number }>()
  /** The pod of each policy whose eviction was refused last. */
  readonly #told = new Map<ObjectKey, string>()

  constructor(options: RebalanceOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'rebalance',
      reconcile: async (key) => await this.#reconcile(key),
      concurrency: 8,
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.synced)
  }

  /** Of so many policies something is known. */
  get remembered(): number {
    return new Set([...this.#since.keys(), ...this.#evicted.keys(), ...this.#told.keys()]).size
  }

  /** The counts of a policy have changed, or it has, or it is gone. */
  changed(policy: ObjectKey): void {
    const isAsked = this.#options.state.policies.get(policy)?.compiled.rebalance !== undefined
    const isKnown = this.#since.has(policy) || this.#evicted.has(policy) || this.#told.has(policy)
    if (isAsked || isKnown) this.controller.enqueueAfter(policy, SETTLE_MS)
  }

  /** Nodes have changed, and may take pods again. */
  nodesChanged(): void {
    for (const { key } of this.#options.state.policies.all()) this.changed(key)
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const { state, podOf } = this.#options
    const policy = state.policies.get(key)?.compiled
    if (policy?.rebalance === undefined) {
      for (const known of [this.#since, this.#evicted, this.#told]) known.delete(key)
      return
    }
    const decision = state.rebalance(policy, podOf)
    if (decision.kind === 'none') {
      // While the last one that was moved settles, what comes next has waited long enough.
      if (decision.why !== 'settling') this.#since.delete(key)
      return
    }
    const now = performance.now()
    const since = this.#since.get(key) ?? now
    this.#since.set(key, since)
    const remaining = since + policy.rebalance.afterSeconds * 1000 - now
    if (remaining > 0) return { afterMs: remaining }
    const missing = this.#successorWithinMs(policy, now)
    if (missing !== undefined) return { afterMs: missing }
    return await this.#evict(policy, decision.pod, decision.value)
  }

  /** How long the successor of the last pod may still take; undefined: it is there. */
  #successorWithinMs({ key }: CompiledPolicy, now: number): number | undefined {
    const evicted = this.#evicted.get(key)
    if (evicted && this.#sizeOf(key) < evicted.size && now < evicted.at + SUCCESSOR_MS) {
      return evicted.at + SUCCESSOR_MS - now
    }
    this.#evicted.delete(key)
    return undefined
  }

  async #evict(policy: CompiledPolicy, pod: Pod, value: string): Promise<Requeue> {
    const { root, record } = this.#options
    this.#evicted.set(policy.key, { size: this.#sizeOf(policy.key), at: performance.now() })
    const eviction = await evict(root, pod)
    if (eviction === 'gone') {
      record(pod, rebalanceEvents.rebalanced(policy, value))
      return { afterMs: SETTLE_MS }
    }
    this.#evicted.delete(policy.key)
    if (eviction === 'changed') return { afterMs: SETTLE_MS }
    const { uid } = pod.metadata
    if (this.#told.get(policy.key) !== uid) record(pod, rebalanceEvents.notRebalanced(policy, value, eviction.refused))
    this.#told.set(policy.key, uid)
    return { afterMs: REFUSED_MS }
  }

  #sizeOf(policy: ObjectKey): number {
    return [...this.#options.state.ledger.groupsOf(policy)].reduce((sum, { size }) => sum + size, 0)
  }
}
