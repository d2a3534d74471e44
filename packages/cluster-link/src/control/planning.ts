import { isDeepStrictEqual } from 'node:util'
import { clusterLabel, type NodeConfigSpec } from '@kosmos/api'
import { type Change, Controller, type ControllerOptions, type Requeue, type StoredCluster } from '@kosmos/kube'
import { autodetectionOf } from '../discover/autodetection.ts'
import { pairsOf } from '../plan/pairs.ts'
import { planNode } from '../plan/plan-node.ts'
import { takesPart } from './link-network.ts'
import type { LinkState } from './link-state.ts'
import { nodeConfigs, type StoredClusterNode } from './resources.ts'

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

  constructor({ state, onReconcile }: PlanningOptions) {
    this.#state = state
    this.controller = new Controller({
      name: 'link-planning',
      concurrency: 8,
      reconcile: (name) => this.#reconcile(name),
      ...(onReconcile && { onReconcile }),
    })
    this.controller.watch(state.clusters, (change) => this.#soon(isPlanned(change) ? this.#everyone() : []))
    this.controller.watch(state.clusterNodes, (change) => this.#soon(this.#concernedBy(change)))
    this.controller.waitFor(state.synced)
  }

  #everyone(): string[] {
    return [...this.#state.clusters.store.values()].map(({ metadata }) => metadata.name)
  }

  /** Behind a gateway, a node is the business of its own cluster only. */
  #concernedBy(change: Change<StoredClusterNode>): string[] {
    const { spec } = change.object
    const before = change.type === 'updated' ? change.old.spec : undefined
    if (isDeepStrictEqual(spec, before)) return []
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
    if (cluster === undefined || !takesPart(cluster) || member?.state.kind !== 'ready' || !member.client) return
    const { network } = this.#state
    const own = network.get(name)
    const pairs = own ? pairsOf(network, own) : []
    const options = cluster.spec.clusterLinkOptions
    const known = this.#state.nodesOf(name)
    for (const {
      metadata,
      spec: { nodeName },
    } of known) {
      const node = own?.nodes.get(nodeName)
      const spec: NodeConfigSpec = {
        ...(own && node ? planNode(own, node, pairs) : { nodeName }),
        ...(options && { autodetectionMethod: autodetectionOf(options, nodeName) }),
      }
      if (isDeepStrictEqual(member.nodeConfig(metadata.name)?.spec, spec)) continue
      const object = { metadata: { name: metadata.name, labels: { [clusterLabel]: name } }, spec }
      const outcome = await member.client.apply(nodeConfigs, object)
      if (!outcome.ok) throw new Error(`NodeConfig ${metadata.name}: ${outcome.status.message ?? outcome.reason}`)
    }
    const wanted = new Set(known.map(({ metadata }) => metadata.name))
    for (const { metadata } of member.nodeConfigsOf(name)) {
      if (wanted.has(metadata.name) || metadata.deletionTimestamp) continue
      await member.client.delete(nodeConfigs, { name: metadata.name }, { uid: metadata.uid })
    }
    return
  }
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
