import { isDeepStrictEqual } from 'node:util'
import { type ClusterStatus, type Condition, clusterNodeName, withCondition } from '@kosmos/api'
import {
  type Change,
  Controller,
  type ControllerOptions,
  clusters,
  type Node,
  type Outcome,
  type Requeue,
  type StoredCluster,
} from '@kosmos/kube'
import { type FoundNetworks, foundNetworks } from '../discover/networks.ts'
import { electGateways } from '../gateways/elect.ts'
import { clusterNodeSpec, conditionsToShow, TunnelIDs } from './cluster-node.ts'
import { GlobalCIDRs } from './global-cidrs.ts'
import { takesPart } from './link-network.ts'
import type { LinkState } from './link-state.ts'
import { linkedCondition } from './linked.ts'
import type { Member } from './member.ts'
import { clusterNodes, type StoredClusterNode } from './resources.ts'

export interface DiscoveryOptions {
  readonly state: LinkState
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/** Writes what is found out about a cluster: its ClusterNodes, and on the Cluster its networks and whether it is linked. */
export class DiscoveryController {
  readonly controller: Controller
  readonly #state: LinkState
  readonly #ids: TunnelIDs
  readonly #globals: GlobalCIDRs

  constructor({ state, onReconcile }: DiscoveryOptions) {
    this.#state = state
    this.#ids = new TunnelIDs(() => state.clusterNodes.store.values())
    this.#globals = new GlobalCIDRs(() => state.clusters.store.values())
    this.controller = new Controller({
      name: 'link-discovery',
      concurrency: 8,
      reconcile: (name) => this.#reconcile(name),
      ...(onReconcile && { onReconcile }),
    })
    this.controller.watch(state.clusters, (change) => this.#concernedBy(change))
    this.controller.watch(state.clusterNodes, ({ object }) => [object.spec.clusterName])
    this.controller.waitFor(state.synced)
  }

  /** Networks of one cluster may be those of another. */
  #concernedBy(change: Change<StoredCluster>): string[] {
    const said = ({ spec, status }: StoredCluster) => [spec.clusterLinkOptions, status?.clusterLinkStatus]
    const isNews = change.type !== 'updated' || !isDeepStrictEqual(said(change.old), said(change.object))
    return isNews ? [change.key, ...this.#state.members.keys()] : [change.key]
  }

  async #reconcile(name: string): Promise<Requeue> {
    const cluster = this.#state.clusters.get(name)
    if (cluster === undefined || !takesPart(cluster)) return
    const member = this.#state.members.get(name)
    if (member?.state.kind === 'ready') await this.#writeNodes(cluster, member)
    await this.#writeStatus(cluster, member)
    return
  }

  async #writeNodes(cluster: StoredCluster, member: Member): Promise<void> {
    const { root, clusters: known } = this.#state
    const { name } = cluster.metadata
    const { networkType = 'p2p' } = cluster.spec.clusterLinkOptions ?? {}
    const present = new Map(this.#state.nodesOf(name).map((node) => [node.spec.nodeName, node]))
    const current = [...present.values()].filter(({ spec }) => spec.roles?.includes('gateway'))
    const nodes = member.nodes()
    const gateways = electGateways({ name, networkType }, nodes, new Set(current.map(({ spec }) => spec.nodeName)))
    const options = [...known.store.values()].flatMap(({ spec }) => spec.clusterLinkOptions ?? [])
    for (const node of nodes) {
      const nodeName = node.metadata.name
      const agent = member.nodeConfig(clusterNodeName(name, nodeName))
      const tunnelID = this.#ids.idOf(name, nodeName, internalIPv4(node), options)
      const spec = clusterNodeSpec({ cluster: name, node, agent, isGateway: gateways.has(nodeName), tunnelID })
      const before = present.get(nodeName)
      present.delete(nodeName)
      const stored = isDeepStrictEqual(before?.spec, spec) ? before : await this.#writeNode(name, spec)
      const conditions = stored && conditionsToShow(stored, agent)
      if (conditions) await this.#showConditions(stored, conditions)
    }
    for (const { metadata } of present.values()) {
      await root.delete(clusterNodes, { name: metadata.name }, { uid: metadata.uid })
    }
  }

  #withGlobals(cluster: StoredCluster, found: FoundNetworks): ClusterStatus['clusterLinkStatus'] {
    const globalCIDRs = this.#globals.of(cluster, found)
    const { podCIDRs, serviceCIDRs } = found
    return {
      podCIDRs: [...podCIDRs],
      serviceCIDRs: [...serviceCIDRs],
      ...(Object.keys(globalCIDRs).length > 0 && { globalCIDRs }),
    }
  }

  async #writeNode(cluster: string, spec: StoredClusterNode['spec']): Promise<StoredClusterNode> {
    const name = clusterNodeName(cluster, spec.nodeName)
    const outcome = await this.#state.root.apply(clusterNodes, { metadata: { name }, spec } as object)
    if (outcome.ok) return outcome.object
    throw new Error(`ClusterNode ${name}: ${outcome.status.message ?? outcome.reason}`)
  }

  async #showConditions({ metadata }: StoredClusterNode, conditions: readonly Condition[]): Promise<void> {
    const { name, uid } = metadata
    const patch = { metadata: { uid }, status: { conditions } }
    expectWritten(
      `ClusterNode ${name}`,
      await this.#state.root.patch(clusterNodes, { name }, patch, { type: 'merge', subresource: 'status' }),
    )
  }

  async #writeStatus(cluster: StoredCluster, member: Member | undefined): Promise<void> {
    const { name, uid, resourceVersion, generation = 0 } = cluster.metadata
    const { clusterLinkOptions: options } = cluster.spec
    if (options === undefined) return
    const nodes = this.#state.nodesOf(name)
    const isKnown = member?.state.kind === 'ready'
    const specs = nodes.map(({ spec }) => spec)
    const found = isKnown ? foundNetworks(options, specs, member.serviceCIDRs()) : undefined
    const clusterLinkStatus = found ? this.#withGlobals(cluster, found) : cluster.status?.clusterLinkStatus
    const condition = linkedCondition({
      cluster: name,
      options,
      observedGeneration: generation,
      member: member?.state,
      podCIDRs: clusterLinkStatus?.podCIDRs ?? [],
      nodes,
      overlaps: this.#state.overlaps,
    })
    const present = (cluster.status?.conditions ?? []) as readonly Condition[]
    const conditions = withCondition(present, condition, `${new Date().toISOString().slice(0, 19)}Z`)
    if (conditions === present && isDeepStrictEqual(clusterLinkStatus, cluster.status?.clusterLinkStatus)) return
    // Somebody else writes conditions as well: only what we have read is replaced.
    const patch = { metadata: { uid, resourceVersion }, status: { conditions, clusterLinkStatus } }
    const write = { type: 'merge', subresource: 'status' } as const
    expectWritten(`Cluster ${name}`, await this.#state.root.patch(clusters, { name }, patch, write))
  }
}

/** What the watch will tell is no failure: the object has gone or has changed meanwhile, and its key comes again. */
function expectWritten(what: string, outcome: Outcome<unknown>): void {
  if (outcome.ok || ['NotFound', 'OtherIncarnation', 'Conflict'].includes(outcome.reason)) return
  throw new Error(`${what}: status cannot be written: ${outcome.status.message ?? outcome.reason}`)
}

const internalIPv4 = ({ status }: Node): string | undefined =>
  status?.addresses?.find(({ type, address }) => type === 'InternalIP' && !address.includes(':'))?.address
