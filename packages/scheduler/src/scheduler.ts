import { indexedLabel, placementLabel, policyIndexNames, systemNamespace } from '@kosmos/api'
import {
  type Change,
  type Client,
  type ControllerOptions,
  type EventContent,
  Informer,
  type KubeObject,
  keyOf,
  type Namespace,
  type Node,
  namespaces,
  nodes,
  type ObjectKey,
  type Pod,
  pods,
  type Resource,
} from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import type { StoredDistribution } from './distributions/compiled-distribution.ts'
import { CLUSTER, scopeOf } from './distributions/distribution-book.ts'
import { clusterDistributionPolicies, distributionPolicies } from './distributions/resource.ts'
import { DistributionStatusController } from './distributions/status-controller.ts'
import { MisnamedController } from './misnamed/controller.ts'
import { slimNode } from './nodes/slim-node.ts'
import { PlacementController } from './placement/controller.ts'
import type { LedgerChange } from './placement/ledger.ts'
import { slimPod } from './placement/slim-pod.ts'
import { isGated } from './placement/standing.ts'
import { PlacementState } from './placement/state.ts'
import type { StoredPolicy } from './policies/compiled-policy.ts'
import { workloadPolicies } from './policies/resource.ts'
import { PolicyIndexController } from './policy-index/controller.ts'
import type { Indexed } from './policy-index/kinds.ts'
import { policyIndexes, type StoredIndex } from './policy-index/resource.ts'
import { RebalanceController } from './rebalance/controller.ts'
import { tellIfRefused } from './refused-watch.ts'
import { StatusController } from './status/controller.ts'
import { TakeBackController } from './take-back/controller.ts'

export interface SchedulerOptions {
  readonly root: Client
  /** How long a leaf, or kube-scheduler, may look for a node for a pod before it is taken back; 0: as long as they like. */
  readonly takeBackAfterMs: number
  readonly record: (regarding: KubeObject, event: EventContent) => void
  readonly log: Log
  /** As `settleMs` of the {@link PolicyIndexController}. */
  readonly indexSettleMs?: number
  readonly onReconcile?: ControllerOptions<ObjectKey>['onReconcile']
}

/** Places pods by policies: what the root tells goes into the state, what the state says is due goes to the controllers. */
export class Scheduler {
  readonly #policies: Informer<StoredPolicy, 'namespace'>
  readonly #indexes: Informer<StoredIndex>
  readonly #distributions: readonly Informer<StoredDistribution>[]
  readonly #nodes: Informer<Node>
  readonly #namespaces: Informer<Namespace>
  readonly #pods: Informer<Pod, 'namespace' | 'node'>
  readonly #state: PlacementState
  readonly #placement: PlacementController
  readonly #status: StatusController
  readonly #distributionStatus: DistributionStatusController
  readonly #rebalance: RebalanceController
  readonly #index: PolicyIndexController
  readonly #misnamed: MisnamedController
  readonly #takeBack: TakeBackController | undefined
  /** Whether pods are told of; they are held before that. */
  #knowsPods = false

  constructor({ root, takeBackAfterMs, record, log, indexSettleMs, onReconcile }: SchedulerOptions) {
    const of = <T extends KubeObject>(resource: Resource<T>) => ({
      client: root,
      resource,
      onState: tellIfRefused(log, resource),
    })
    this.#policies = new Informer({
      ...of(workloadPolicies),
      indexes: { namespace: ({ metadata }) => [metadata.namespace] },
    })
    this.#indexes = new Informer(of(policyIndexes))
    this.#distributions = [distributionPolicies, clusterDistributionPolicies].map(
      (resource) => new Informer(of(resource)),
    )
    this.#nodes = new Informer({ ...of(nodes), transform: slimNode })
    this.#namespaces = new Informer({ ...of(namespaces), labelSelector: placementLabel, metadataOnly: true })
    this.#pods = new Informer({
      ...of(pods),
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
    this.#rebalance = new RebalanceController({ ...common, record, podOf })
    this.#index = new PolicyIndexController({
      ...common,
      synced: Promise.all([this.synced, this.#indexes.synced]),
      policiesOf: (index, namespace) => this.#indexedBy(index, namespace),
      indexOf: (key) => this.#indexes.get(key),
      ...(indexSettleMs && { settleMs: indexSettleMs }),
    })
    const isKnown = (policy: ObjectKey) => this.#policies.get(policy) !== undefined
    this.#misnamed = new MisnamedController({ ...common, record, podOf, isKnown })
    const refused = (policy: ObjectKey) => this.#status.changed(policy)
    if (takeBackAfterMs > 0) {
      const freed = () => this.#freed()
      this.#takeBack = new TakeBackController({ ...common, record, podOf, refused, freed, afterMs: takeBackAfterMs })
    }
  }

  /** Resolves when all is known that decisions are made of. Indexes are not: without their kind policies count by themselves. */
  get synced(): Promise<void> {
    return Promise.all(this.#informers.map(({ synced }) => synced)).then(() => undefined)
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const informers = [...this.#informers, this.#indexes].map((informer) => informer.run(signal))
    // Pods last: whoever counts them then knows all policies and nodes, and counts each once.
    void this.synced.then(() => {
      for (const one of this.#distributions) one.subscribe((change) => this.#onDistribution(change))
      this.#namespaces.subscribe((change) => this.#onNamespace(change))
      this.#policies.subscribe((change) => this.#onPolicy(change))
      this.#indexes.subscribe(({ object: { metadata } }) => this.#index.changed(metadata.name, metadata.namespace))
      this.#nodes.subscribe((change) => this.#onNode(change))
      this.#knowsPods = true
      this.#pods.subscribe((change) => this.#onPod(change))
    })
    const controllers = [
      this.#placement,
      this.#status,
      this.#distributionStatus,
      this.#rebalance,
      this.#index,
      this.#misnamed,
      this.#takeBack,
    ].map((one) => one?.controller.run(signal))
    await Promise.all([...informers, ...controllers])
  }

  get #informers(): readonly Pick<Informer<Pod>, 'synced' | 'run'>[] {
    return [this.#policies, ...this.#distributions, this.#namespaces, this.#nodes, this.#pods]
  }

  #onDistribution({ type, object }: Change<StoredDistribution>): void {
    const { distributions } = this.#state
    const isChanged = type === 'deleted' || distributions.set(object)
    if (type === 'deleted') distributions.delete(object)
    const scope = scopeOf(object)
    // Admission asks no policy about our own pods.
    if (scope !== systemNamespace) this.#index.changed(policyIndexNames[object.kind], scope || systemNamespace)
    if (!isChanged) return
    this.#distributionStatus.changed(object)
    this.#lookAgainIn(scope)
  }

  #indexedBy(index: string, namespace: string): Iterable<Indexed> {
    if (index === policyIndexNames.WorkloadPolicy) return this.#policies.store.by('namespace', namespace)
    const scope = index === policyIndexNames.DistributionPolicy ? namespace : CLUSTER
    return scope === systemNamespace ? [] : Array.from(this.#state.distributions.in(scope), ({ stored }) => stored)
  }

  /** A namespace that has lost the label is no longer told of, which comes as its deletion. */
  #onNamespace({ type, key, object }: Change<Namespace>): void {
    if (type === 'deleted') this.#state.bestFit.delete(key)
    else this.#state.bestFit.set(object)
    this.#lookAgainIn(key)
  }

  /** At pods that wait; in all namespaces by ''. */
  #lookAgainIn(namespace: string): void {
    this.#takeBack?.lookAgain()
    for (const pod of this.#known('namespace', namespace))
      if (isGated(pod)) this.#placement.controller.enqueue(keyOf(pod))
  }

  #onPolicy(change: Change<StoredPolicy>): void {
    const { type, key, object } = change
    if (type !== 'updated' || concernsIndex(change.old, object)) {
      this.#index.changed(policyIndexNames.WorkloadPolicy, object.metadata.namespace)
    }
    const isChanged = type === 'deleted' || this.#state.setPolicy(object)
    if (type === 'deleted') this.#state.deletePolicy(object)
    if (!isChanged) return
    this.#state.ledger.forget(key)
    this.#status.changed(key)
    for (const one of change.type === 'updated' ? [change.old, object] : [object]) {
      for (const other of this.#state.policies.namesakes(one)) this.#status.changed(other.key)
    }
    this.#rebalance.changed(key)
    this.#takeBack?.lookAgain()
    for (const pod of this.#known('namespace', object.metadata.namespace)) {
      this.#changed(this.#state.setPod(pod))
      this.#placement.controller.enqueue(keyOf(pod))
    }
  }

  /** Pods that have been told of; all of them by ''. */
  #known(index: 'namespace' | 'node', value: string): Iterable<Pod> {
    if (!this.#knowsPods) return []
    return value === '' ? this.#pods.store.values() : this.#pods.store.by(index, value)
  }

  #onNode(change: Change<Node>): void {
    const { type, key, object } = change
    const old = change.type === 'updated' ? change.old : undefined
    const isOther = type === 'deleted' || this.#state.vacancies.setNode(object, old)
    if (type === 'deleted') this.#state.vacancies.deleteNode(key)
    this.#placement.roomChanged(key)
    this.#takeBack?.lookAgain()
    this.#freed()
    for (const policy of this.#state.vacancies.takeReopened()) this.#status.changed(policy)
    this.#rebalance.nodesChanged()
    if (!isOther) return
    if (type === 'deleted') this.#status.nodeChanged(object, undefined)
    else this.#status.nodeChanged(old, object)
    for (const pod of this.#known('node', key)) this.#changed(this.#state.setPod(pod))
  }

  #onPod({ type, key, object }: Change<Pod>): void {
    this.#changed(type === 'deleted' ? this.#state.deletePod(key) : this.#state.setPod(object))
    this.#takeBack?.changed(key, type === 'deleted' ? undefined : object)
    this.#placement.podChanged(object, key)
    if (type === 'added') this.#misnamed.podAdded(object, key)
  }

  #changed(changes: readonly LedgerChange[]): void {
    this.#freed()
    for (const { policy, next } of changes) {
      this.#status.countsChanged(policy)
      this.#rebalance.changed(policy)
      for (const key of next) this.#placement.controller.enqueue(key)
    }
  }

  /** Who found no room on a node, or had to leave it to another, may go there now. */
  #freed(): void {
    const freed = this.#state.vacancies.takeFreed()
    if (freed.length === 0) return
    for (const node of freed) this.#placement.roomChanged(node)
    this.#takeBack?.lookAgain()
  }
}

/**
 * Whether there is something to do for the index: a new status is no such change, unless the policy does not count by the index yet, since then it
 * may have come before the mark that says so, which was refused.
 */
const concernsIndex = ({ metadata: old }: StoredPolicy, { metadata }: StoredPolicy): boolean =>
  metadata.labels?.[indexedLabel] === undefined ||
  old.labels?.[indexedLabel] === undefined ||
  old.generation !== metadata.generation
