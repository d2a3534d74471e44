import { isDeepStrictEqual } from 'node:util'
import { clusterLabel, clusterNodeName, type NodeConfigSpec, rootClusterLabel, rotateKeysAnnotation } from '@kosmos/api'
import {
  type Change,
  Controller,
  type ControllerOptions,
  type Requeue,
  refused,
  type StoredCluster,
} from '@kosmos/kube'
import { autodetectionOf } from '../../discover/autodetection.ts'
import { pairsOf } from '../../plan/pairs.ts'
import { planNode } from '../../plan/plan-node.ts'
import { translatedByGateways } from '../../plan/translators.ts'
import type { LinkState } from '../link-state.ts'
import { rootOf } from '../members/first-root.ts'
import { PolicyChanges } from '../policies/policy-changes.ts'
import { nodeConfigs, type StoredClusterNode } from '../resources.ts'
import { rotationIn } from './keys.ts'
import { takesPart } from './link-network.ts'

export interface PlanningOptions {
  readonly state: LinkState
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/** Nodes of a cluster come and go together. */
const SETTLE_MS = 50

/** Writes the NodeConfigs of a cluster into it, whenever what they follow from has changed. */
export class PlanningController {
  readonly controller: Controller
  readonly #state: LinkState
  readonly #changes = new PolicyChanges()
  /** Clusters of which a node is changing its keys: other nodes have to follow. */
  readonly #rotating = new Set<string>()

  constructor({ state, onReconcile }: PlanningOptions) {
    this.#state = state
    this.controller = new Controller({
      name: 'link-planning',
      concurrency: 8,
      reconcile: (name) => this.#reconcile(name),
      ...(onReconcile && { onReconcile }),
    })
    this.controller.watch(state.clusters, (change) =>
      this.#soon(isPlanned(change) ? this.#everyone() : [change.key, ...this.#kept()]),
    )
    this.controller.watch(state.clusterNodes, (change) => this.#soon(this.#concernedBy(change)))
    state.policies.subscribe(() => this.#soon(this.#kept()))
    this.controller.waitFor(state.synced)
  }

  /** Something about a cluster, or what is known of its nodes, has changed. */
  changed(cluster: string): void {
    for (const name of [cluster, ...this.#rotating]) this.controller.enqueue(name)
  }

  /** Those whom policies keep from others than before; a label of a Cluster may do that too. */
  #kept(): string[] {
    return this.#changes.touched(this.#state.network)
  }

  #everyone(): string[] {
    return [...this.#state.clusters.store.values()].map(({ metadata }) => metadata.name)
  }

  /** Behind a gateway, a node is the business of its own cluster only. */
  #concernedBy(change: Change<StoredClusterNode>): string[] {
    const { spec } = change.object
    const before = change.type === 'updated' ? change.old.spec : undefined
    if (isDeepStrictEqual(spec, before)) return isDemand(change) ? [spec.clusterName] : []
    const isGateway = spec.roles?.includes('gateway') || before?.roles?.includes('gateway')
    const mode = this.#state.clusters.get(spec.clusterName)?.spec.clusterLinkOptions?.networkType
    const isSeenOutside = isGateway || mode !== 'gateway' || !isDeepStrictEqual(spec.podCIDRs, before?.podCIDRs)
    return isSeenOutside ? this.#everyone() : [spec.clusterName]
  }

  #soon(names: readonly string[]): string[] {
    for (const name of names) this.controller.enqueueAfter(name, SETTLE_MS)
    return []
  }

  async #reconcile(name: string): Promise<Requeue> {
    const cluster = this.#state.clusters.get(name)
    const member = this.#state.members.get(name)
    if (cluster === undefined || !takesPart(cluster)) this.#rotating.delete(name)
    if (cluster === undefined || !takesPart(cluster) || member?.state.kind !== 'ready' || !member.client) return
    const { network, rootId } = this.#state
    const own = network.get(name)
    const pairs = own ? pairsOf(network, own) : []
    const options = cluster.spec.clusterLinkOptions
    const rotation = rotationIn(this.#state, cluster, member, own, pairs)
    if (rotation.isUnderway) this.#rotating.add(name)
    else this.#rotating.delete(name)
    const byGateways = own && translatedByGateways(own, (node) => member.nodeConfig(clusterNodeName(name, node)))
    const known = member.otherRoot() === undefined ? this.#state.nodesOf(name) : []
    for (const {
      metadata,
      spec: { nodeName },
    } of known) {
      const node = own?.nodes.get(nodeName)
      const keys = rotation.keys.get(nodeName)
      const spec: NodeConfigSpec = {
        ...(own && node ? planNode(own, node, pairs, byGateways) : { nodeName }),
        ...(options && { autodetectionMethod: autodetectionOf(options, nodeName) }),
        ...(keys && { keys }),
      }
      const present = member.nodeConfig(metadata.name)
      if (present && rootOf(present) === rootId && isDeepStrictEqual(present.spec, spec)) continue
      const object = {
        metadata: { name: metadata.name, labels: { [clusterLabel]: name, [rootClusterLabel]: rootId } },
        spec,
      }
      const outcome = await member.client.apply(nodeConfigs, object)
      if (!outcome.ok) throw refused(`NodeConfig ${metadata.name}`, outcome)
    }
    const wanted = new Set(known.map(({ metadata }) => metadata.name))
    for (const { metadata } of member.nodeConfigsOf(name)) {
      if (wanted.has(metadata.name) || metadata.deletionTimestamp) continue
      await member.client.delete(nodeConfigs, { name: metadata.name }, { uid: metadata.uid })
    }
    return rotation.dueInMs === undefined ? undefined : { afterMs: rotation.dueInMs }
  }
}

const demandOn = ({ metadata }: StoredClusterNode): string | undefined => metadata.annotations?.[rotateKeysAnnotation]

/** Whether somebody asks for new keys of a node. */
function isDemand(change: Change<StoredClusterNode>): boolean {
  return change.type === 'updated' && demandOn(change.old) !== demandOn(change.object)
}

/** Whether a change of a Cluster may change a plan; most are of its conditions. */
function isPlanned(change: Change<StoredCluster>): boolean {
  if (change.type !== 'updated') return true
  const relevant = ({ metadata, spec, status }: StoredCluster) => [
    metadata.deletionTimestamp,
    spec.clusterLinkOptions,
    status?.clusterLinkStatus,
  ]
  return !isDeepStrictEqual(relevant(change.old), relevant(change.object))
}
