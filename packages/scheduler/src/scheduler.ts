import {
  type Change,
  type Client,
  type ControllerOptions,
  type EventContent,
  Informer,
  type KubeObject,
  keyOf,
  type Node,
  nodes,
  type ObjectKey,
  type Pod,
  pods,
} from '@kosmos/kube'
import { isSameOffer, NodeOffers } from './nodes/offers.ts'
import { RoomBook, roomOf } from './nodes/room-book.ts'
import { slimNode } from './nodes/slim-node.ts'
import { PlacementController } from './placement/controller.ts'
import { Ledger, type LedgerChange } from './placement/ledger.ts'
import { slimPod } from './placement/slim-pod.ts'
import { isGated } from './placement/standing.ts'
import type { StoredPolicy } from './policies/compiled-policy.ts'
import { PolicyBook } from './policies/policy-book.ts'
import { workloadPolicies } from './policies/resource.ts'
import { StatusController } from './status/controller.ts'

export interface SchedulerOptions {
  readonly root: Client
  readonly record: (regarding: KubeObject, event: EventContent) => void
  readonly onReconcile?: ControllerOptions<ObjectKey>['onReconcile']
}

/** Places pods by policies: what the root tells goes into the ledger, what the ledger says is due goes to the controllers. */
export class Scheduler {
  readonly #policies: Informer<StoredPolicy>
  readonly #nodes: Informer<Node>
  readonly #pods: Informer<Pod, 'namespace' | 'node'>
  readonly #book = new PolicyBook()
  readonly #ledger: Ledger
  readonly #offers: NodeOffers
  readonly #room = new RoomBook()
  readonly #placement: PlacementController
  readonly #status: StatusController

  constructor({ root, record, onReconcile }: SchedulerOptions) {
    this.#policies = new Informer({ client: root, resource: workloadPolicies })
    this.#nodes = new Informer({ client: root, resource: nodes, transform: slimNode })
    this.#pods = new Informer({
      client: root,
      resource: pods,
      transform: slimPod,
      indexes: {
        namespace: ({ metadata }) => [metadata.namespace],
        node: ({ spec }) => (spec.nodeName ? [spec.nodeName] : []),
      },
    })
    this.#ledger = new Ledger({
      policiesIn: (namespace) => this.#book.in(namespace),
      labelOf: (nodeName, label) => this.#nodes.get(nodeName)?.metadata.labels?.[label],
    })
    this.#offers = new NodeOffers(() => this.#nodes.store.values())
    const common = { root, ledger: this.#ledger, synced: this.synced, ...(onReconcile && { onReconcile }) }
    this.#status = new StatusController({ ...common, policies: this.#book })
    this.#placement = new PlacementController({
      ...common,
      offers: this.#offers,
      room: this.#room,
      record,
      podOf: (key) => this.#pods.get(key),
      changed: (changes) => this.#changed(changes),
    })
  }

  /** Resolves when all is known that decisions are made of. */
  get synced(): Promise<void> {
    return Promise.all([this.#policies.synced, this.#nodes.synced, this.#pods.synced]).then(() => undefined)
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const informers = [this.#policies, this.#nodes, this.#pods].map((informer) => informer.run(signal))
    // Pods last: whoever counts them then knows all policies and nodes.
    void this.synced.then(() => {
      this.#policies.subscribe((change) => this.#onPolicy(change))
      this.#nodes.subscribe((change) => this.#onNode(change))
      this.#pods.subscribe((change) => this.#onPod(change))
    })
    const controllers = [this.#placement.controller, this.#status.controller].map((one) => one.run(signal))
    await Promise.all([...informers, ...controllers])
  }

  #onPolicy({ type, key, object }: Change<StoredPolicy>): void {
    const isChanged = type === 'deleted' || this.#book.set(object)
    if (type === 'deleted') this.#book.delete(object)
    if (!isChanged) return
    this.#ledger.forget(key)
    this.#status.changed(key)
    for (const pod of this.#pods.store.by('namespace', object.metadata.namespace)) {
      this.#count(pod)
      this.#placement.controller.enqueue(keyOf(pod))
    }
  }

  #onNode(change: Change<Node>): void {
    if (change.type === 'deleted') this.#room.deleteNode(change.key)
    else this.#room.setNode(change.object)
    this.#placement.roomChanged(change.object)
    if (change.type === 'updated' && isSameOffer(change.old, change.object)) return
    this.#offers.invalidate()
    for (const pod of this.#pods.store.by('node', change.key)) this.#count(pod)
  }

  #onPod({ type, key, object }: Change<Pod>): void {
    if (type === 'deleted') this.#changed(this.#ledger.delete(key))
    else this.#count(object)
    this.#takeRoom(object, key, type === 'deleted')
    if (isGated(object)) this.#placement.controller.enqueue(key)
  }

  #takeRoom(pod: Pod, key: ObjectKey, isGone: boolean): void {
    const { nodeName } = pod.spec
    const phase = pod.status?.phase
    if (isGone || phase === 'Succeeded' || phase === 'Failed') {
      this.#room.release(key)
      const node = nodeName ? this.#nodes.get(nodeName) : undefined
      if (node) this.#placement.roomChanged(node)
    } else if (nodeName) this.#room.take(key, nodeName, roomOf(pod), phase !== 'Pending')
  }

  #count(pod: Pod): void {
    this.#changed(this.#ledger.set(pod, keyOf(pod)))
  }

  #changed(changes: readonly LedgerChange[]): void {
    for (const { policy, next } of changes) {
      this.#status.changed(policy)
      for (const key of next) this.#placement.controller.enqueue(key)
    }
  }
}
