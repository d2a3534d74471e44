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
import { readClaims } from '../volumes/claims.ts'
import { isPlaced, type Stay, type Stuck, stuckAt, takeBack } from './decide.ts'
import { takeBackEvents } from './events.ts'
import { holdIn, mayPass } from './hold.ts'
import { whyItStays } from './reasons.ts'

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
  /** What it has been told last. */
  told?: string
  /** What is looked at again since it was decided about; undefined: it was not yet. `nothing`: no more is done while it is stuck. */
  awaits?: Awaited
}

type Awaited = 'room' | 'claim' | 'nothing'

function awaitedBy({ why, hold }: Stay): Awaited {
  if (hold) return mayPass(hold) ? 'claim' : 'nothing'
  return why === 'hasNoOwner' ? 'nothing' : 'room'
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
    for (const [key, { awaits }] of this.#stuck) if (awaits === 'room') this.controller.enqueueAfter(key, SETTLE_MS)
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const { podOf, afterMs } = this.#options
    const pod = podOf(key)
    const stuck = pod && stuckAt(pod)
    const known = this.#stuck.get(key)
    const isSame = known !== undefined && known.uid === pod?.metadata.uid
    if (pod === undefined || stuck === undefined) {
      this.#stuck.delete(key)
      if (isSame && pod && known.by === 'root' && known.awaits) this.#taken(pod, key)
      return
    }
    const { uid } = pod.metadata
    const { by } = stuck
    const current = isSame && known.by === by ? known : { uid, by, since: performance.now() }
    this.#stuck.set(key, current)
    if (current.awaits === 'nothing') return
    const remaining = current.since + afterMs - performance.now()
    if (remaining > 0) return { afterMs: remaining }
    return await this.#takeBack(pod, key, stuck, current)
  }

  async #takeBack(pod: Pod, key: ObjectKey, stuck: Stuck, known: Known): Promise<Requeue> {
    const { root, podOf, state, freed, afterMs } = this.#options
    known.awaits = 'nothing'
    if (!isPlaced(pod)) return undefined
    known.awaits = 'room'
    const hold = holdIn(await readClaims(root, pod))
    // It is another by now, which is told of.
    if (podOf(key) !== pod) return undefined
    // Before the eviction, so that its successor is not sent there again. What is in the way of a volume is not in the way of others.
    if (hold === undefined) this.#refuse(pod, key, stuck)
    if (stuck.by === 'root') state.vacancies.giveBack(pod)
    freed()
    const action = takeBack(pod, stuck, hold, () => state.successorOf(pod))
    if (action === 'evict') return await this.#evict(pod, key, stuck, known)
    if (known.told !== whyItStays(action)) {
      this.#options.record(pod, takeBackEvents.notTakenBack(pod, this.#seconds, stuck, action))
    }
    known.told = whyItStays(action)
    known.awaits = awaitedBy(action)
    // Claims are not watched: few pods are stuck with one that is not bound.
    const withinMs = known.awaits === 'claim' ? afterMs : known.awaits === 'room' && state.successorWithinMs(pod)
    return withinMs ? { afterMs: withinMs } : undefined
  }

  async #evict(pod: Pod, key: ObjectKey, stuck: Stuck, known: Known): Promise<Requeue> {
    const eviction = await evict(this.#options.root, pod)
    // It may have found its node.
    if (eviction === 'changed') return { afterMs: SETTLE_MS }
    if (eviction !== 'gone') throw new Error(`pod ${key} cannot be evicted: ${eviction.refused}`)
    known.awaits = 'nothing'
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
