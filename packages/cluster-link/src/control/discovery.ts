import { isDeepStrictEqual } from 'node:util'
import { type ClusterStatus, type Condition, clusterCondition, type NewCondition, withCondition } from '@kosmos/api'
import {
  type Change,
  Controller,
  type ControllerOptions,
  clusters,
  type Requeue,
  type StoredCluster,
  timestamp,
} from '@kosmos/kube'
import { type Discovery, type FoundNetworks, foundNetworks } from '../discover/networks.ts'
import { ClusterNodeWriter, type ClusterNodeWriterOptions } from './cluster-nodes/cluster-node-writer.ts'
import { linkedCondition } from './conditions/linked.ts'
import { networksFoundCondition } from './conditions/networks-found.ts'
import { twinsOf } from './conditions/twins.ts'
import type { LinkState } from './link-state.ts'
import type { Member } from './members/member.ts'
import { GlobalCIDRs } from './plans/global-cidrs.ts'
import { takesPart } from './plans/link-network.ts'
import { PolicyChanges } from './policies/policy-changes.ts'
import type { RootPolicies } from './policies/root-policies.ts'
import { expectStatusWritten } from './status-written.ts'

export interface DiscoveryOptions extends ClusterNodeWriterOptions {
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/** Has what is found out about a cluster written: its ClusterNodes, and on the Cluster its networks and whether it is linked. */
export class DiscoveryController {
  readonly controller: Controller
  readonly #state: LinkState
  readonly #nodes: ClusterNodeWriter
  readonly #globals: GlobalCIDRs
  readonly #changes = new PolicyChanges()
  #policies: RootPolicies['state'] | undefined

  constructor({ state, record, wordsAged, onReconcile }: DiscoveryOptions) {
    this.#state = state
    this.#nodes = new ClusterNodeWriter({ state, record, wordsAged })
    this.#globals = new GlobalCIDRs(() => state.clusters.store.values())
    this.controller = new Controller({
      name: 'link-discovery',
      concurrency: 8,
      reconcile: (name) => this.#reconcile(name),
      ...(onReconcile && { onReconcile }),
    })
    this.controller.watch(state.clusters, (change) => this.#concernedBy(change))
    state.policies.subscribe(() => this.#onPolicies())
    this.controller.watch(state.clusterNodes, ({ object }) => [object.spec.clusterName])
    this.controller.waitFor(state.settled)
  }

  /** Whether they are followed is said on every Cluster. */
  #onPolicies(): void {
    const { policies, members } = this.#state
    const isNews = policies.state !== this.#policies
    this.#policies = policies.state
    for (const name of isNews ? members.keys() : this.#unlessKept()) this.controller.enqueue(name)
  }

  /** Networks of one cluster may be those of another. */
  #concernedBy(change: Change<StoredCluster>): string[] {
    const said = ({ spec, status }: StoredCluster) => [spec.clusterLinkOptions, status?.clusterLinkStatus]
    const isNews = change.type !== 'updated' || !isDeepStrictEqual(said(change.old), said(change.object))
    return isNews ? [change.key, ...this.#state.members.keys()] : [change.key, ...this.#unlessKept()]
  }

  /** Networks of clusters that do not talk may be the same; by whom a third one is hidden changes with them. */
  #unlessKept(): string[] {
    return this.#changes.touched(this.#state.network).length > 0 ? [...this.#state.members.keys()] : []
  }

  async #reconcile(name: string): Promise<Requeue> {
    const cluster = this.#state.clusters.get(name)
    if (cluster === undefined) {
      await this.#nodes.forget(name)
      return
    }
    if (!takesPart(cluster)) return
    const member = this.#state.members.get(name)
    const { clusterLinkOptions: options } = cluster.spec
    const twin = this.#twinOf(cluster, member)
    if (member?.state.kind !== 'ready' || !options) {
      await this.#writeStatus(cluster, member, twin)
      return
    }
    const discovery = foundNetworks(options, member.networkObjects())
    const nodes = twin === undefined && member.otherRoot() === undefined ? member.nodes() : []
    const lookAfterMs = await this.#nodes.write(cluster, nodes, member, discovery)
    await this.#writeStatus(cluster, member, twin, discovery)
    return lookAfterMs === undefined ? undefined : { afterMs: lookAfterMs }
  }

  /** The Cluster that counts if there are several for one cluster, and this one does not. */
  #twinOf(cluster: StoredCluster, member: Member | undefined): string | undefined {
    const { members, clusters: known } = this.#state
    const nodesOf = (one: Member | undefined) => new Set(one?.nodes().map(({ metadata }) => metadata.uid) ?? [])
    const others = [...members].flatMap(([name, other]) => {
      const found = name === cluster.metadata.name ? undefined : known.get(name)
      return found && takesPart(found) ? [{ cluster: found, nodes: nodesOf(other) }] : []
    })
    const { older, younger } = twinsOf({ cluster, nodes: nodesOf(member) }, others)
    // They may have been looked at before this one could be.
    for (const { metadata } of younger) {
      if (this.#state.nodesOf(metadata.name).length > 0) this.controller.enqueue(metadata.name)
    }
    return older[0]?.metadata.name
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

  async #writeStatus(
    cluster: StoredCluster,
    member: Member | undefined,
    twin: string | undefined,
    discovery?: Discovery,
  ): Promise<void> {
    const { name, uid, resourceVersion, generation: observedGeneration = 0 } = cluster.metadata
    const { clusterLinkOptions: options } = cluster.spec
    if (options === undefined) return
    const nodes = this.#state.nodesOf(name)
    const clusterLinkStatus = discovery ? this.#withGlobals(cluster, discovery) : cluster.status?.clusterLinkStatus
    const linked = linkedCondition({
      cluster: name,
      options,
      observedGeneration,
      member: member?.state,
      podCIDRs: clusterLinkStatus?.podCIDRs ?? [],
      nodes,
      overlaps: this.#state.overlaps,
      taken: this.#state.taken,
      sharedKeys: this.#state.sharedKeys,
      twin,
      roots: { own: this.#state.rootId, other: member?.otherRoot() },
    })
    // Of a cluster that cannot be seen, what was found is still known.
    const found =
      discovery && member
        ? [networksFoundCondition({ options, observedGeneration, discovery, forbidden: member.forbidden() })]
        : []
    const present = (cluster.status?.conditions ?? []) as readonly Condition[]
    const now = timestamp(Date.now())
    const conditions = [linked, ...found, ...this.#policiesFollowed(cluster)].reduce(
      (all, next) => withCondition(all, next, now),
      present,
    )
    if (conditions === present && isDeepStrictEqual(clusterLinkStatus, cluster.status?.clusterLinkStatus)) return
    // Somebody else writes conditions as well: only what we have read is replaced.
    const patch = { metadata: { uid, resourceVersion }, status: { conditions, clusterLinkStatus } }
    const write = { type: 'merge', subresource: 'status' } as const
    expectStatusWritten(`Cluster ${name}`, await this.#state.root.patch(clusters, { name }, patch, write))
  }

  /** Only what is wrong is said, and that it is well again. */
  #policiesFollowed({ metadata, status }: StoredCluster): NewCondition[] {
    const type = 'PoliciesFollowed'
    const reason = this.#state.policies.state
    const isSaid = status?.conditions?.some((one) => one.type === type)
    if (reason === type && !isSaid) return []
    return [clusterCondition(type, reason, { observedGeneration: metadata.generation ?? 0 })]
  }
}
