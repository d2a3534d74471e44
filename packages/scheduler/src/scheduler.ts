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
import type { StoredDistribution } from './distributions/compiled-distribution.ts'
import { scopeOf } from './distributions/distribution-book.ts'
import { clusterDistributionPolicies, distributionPolicies } from './distributions/resource.ts'
import { DistributionStatusController } from './distributions/status-controller.ts'
import { slimNode } from './nodes/slim-node.ts'
import { PlacementController } from './placement/controller.ts'
import type { LedgerChange } from './placement/ledger.ts'
import { slimPod } from './placement/slim-pod.ts'
import { hasEnded, isGated } from './placement/standing.ts'
import { PlacementState } from './placement/state.ts'
import type { StoredPolicy } from './policies/compiled-policy.ts'
import { workloadPolicies } from './policies/resource.ts'
import { StatusController } from './status/controller.ts'
import { TakeBackController } from './take-back/controller.ts'

export interface SchedulerOptions {
  readonly root: Client
  /** How long a leaf may look for a node for a pod before it is taken back; 0: as long as it likes. */
  readonly takeBackAfterMs: number
  readonly record: (regarding: KubeObject, event: EventContent) => void
  readonly onReconcile?: ControllerOptions<ObjectKey>['onReconcile']
}

/** Places pods by policies: what the root tells goes into the state, what the state says is due goes to the controllers. */
export class Scheduler {
  readonly #policies: Informer<StoredPolicy>
  readonly #distributions: readonly Informer<StoredDistribution>[]
  readonly #nodes: Informer<Node>
  readonly #pods: Informer<Pod, 'namespace' | 'node'>
  readonly #state: PlacementState
  readonly #placement: PlacementController
  readonly #status: StatusController
  readonly #distributionStatus: DistributionStatusController
  readonly #takeBack: TakeBackController | undefined

  constructor({ root, takeBackAfterMs, record, onReconcile }: SchedulerOptions) {
    this.#policies = new Informer({ client: root, resource: workloadPolicies })
    this.#distributions = [distributionPolicies, clusterDistributionPolicies].map(
      (resource) => new Informer({ client: root, resource }),
    )
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
    this.#state = new PlacementState(this.#nodes.store)
    const common = { root, state: this.#state, synced: this.synced, ...(onReconcile && { onReconcile }) }
    this.#status = new StatusController(common)
    const { distributions } = this.#state
    this.#distributionStatus = new DistributionStatusController({ ...common, distributions })
    const podOf = (key: ObjectKey) => this.#pods.get(key)
    this.#placement = new PlacementController({
      ...common,
      record,
      podOf,
      changed: (changes) => this.#changed(changes),
    })
    const refused = (policy: ObjectKey) => this.#status.changed(policy)
    if (takeBackAfterMs > 0) {
      this.#takeBack = new TakeBackController({ ...common, record, podOf, refused, afterMs: takeBackAfterMs })
    }
  }

  /** Resolves when all is known that decisions are made of. */
  get synced(): Promise<void> {
    return Promise.all(this.#informers.map(({ synced }) => synced)).then(() => undefined)
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const informers = this.#informers.map((informer) => informer.run(signal))
    // Pods last: whoever counts them then knows all policies and nodes.
    void this.synced.then(() => {
      for (const one of this.#distributions) one.subscribe((change) => this.#onDistribution(change))
      this.#policies.subscribe((change) => this.#onPolicy(change))
      this.#nodes.subscribe((change) => this.#onNode(change))
      this.#pods.subscribe((change) => this.#onPod(change))
    })
    const controllers = [this.#placement, this.#status, this.#distributionStatus, this.#takeBack].map((one) =>
      one?.controller.run(signal),
    )
    await Promise.all([...informers, ...controllers])
  }

  get #informers(): readonly Pick<Informer<Pod>, 'synced' | 'run'>[] {
    return [this.#policies, ...this.#distributions, this.#nodes, this.#pods]
  }

  #onDistribution({ type, object }: Change<StoredDistribution>): void {
    const { distributions } = this.#state
    const isChanged = type === 'deleted' || distributions.set(object)
    if (type === 'deleted') distributions.delete(object)
    if (!isChanged) return
    this.#distributionStatus.changed(object)
    const scope = scopeOf(object)
    const concerned = scope === '' ? this.#pods.store.values() : this.#pods.store.by('namespace', scope)
    for (const pod of concerned) if (isGated(pod)) this.#placement.controller.enqueue(keyOf(pod))
  }

  #onPolicy({ type, key, object }: Change<StoredPolicy>): void {
    const isChanged = type === 'deleted' || this.#state.setPolicy(object)
    if (type === 'deleted') this.#state.deletePolicy(object)
    if (!isChanged) return
    this.#state.ledger.forget(key)
    this.#status.changed(key)
    for (const pod of this.#pods.store.by('namespace', object.metadata.namespace)) {
      this.#changed(this.#state.setPod(pod))
      this.#placement.controller.enqueue(keyOf(pod))
    }
  }

  #onNode(change: Change<Node>): void {
    const { type, key, object } = change
    const isOther =
      type === 'deleted' || this.#state.setNode(object, change.type === 'updated' ? change.old : undefined)
    if (type === 'deleted') this.#state.deleteNode(key)
    this.#placement.roomChanged(object)
    if (!isOther) return
    for (const pod of this.#pods.store.by('node', key)) this.#changed(this.#state.setPod(pod))
  }

  #onPod({ type, key, object }: Change<Pod>): void {
    this.#changed(type === 'deleted' ? this.#state.deletePod(key) : this.#state.setPod(object))
    this.#takeBack?.changed(key, type === 'deleted' ? undefined : object)
    if (isGated(object)) this.#placement.controller.enqueue(key)
    const node = type === 'deleted' || hasEnded(object) ? this.#state.nodeOf(object) : undefined
    if (node) this.#placement.roomChanged(node)
  }

  #changed(changes: readonly LedgerChange[]): void {
    for (const { policy, next } of changes) {
      this.#status.changed(policy)
      for (const key of next) this.#placement.controller.enqueue(key)
    }
  }
}
