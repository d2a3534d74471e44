import { isDeepStrictEqual } from 'node:util'
import {
  apiVersion,
  type ClusterStatus,
  type Condition,
  clusterCondition,
  clusterNodeKind,
  clusterNodeName,
  type NewCondition,
  withCondition,
} from '@kosmos/api'
import {
  type Change,
  Controller,
  type ControllerOptions,
  clusters,
  type EventContent,
  type EventRef,
  isOvertaken,
  type Node,
  type Outcome,
  type Requeue,
  refused,
  type StoredCluster,
} from '@kosmos/kube'
import { type Discovery, type FoundNetworks, foundNetworks } from '../discover/networks.ts'
import { electGateways, type Gateways } from '../gateways/elect.ts'
import { overlayNames } from '../plan/overlay-names.ts'
import { clusterNodeSpec, conditionsToShow, silentSince, TunnelIDs } from './cluster-node.ts'
import { linkEvents } from './events.ts'
import { GlobalCIDRs } from './global-cidrs.ts'
import { takesPart } from './link-network.ts'
import type { LinkState } from './link-state.ts'
import { linkedCondition } from './linked.ts'
import type { Member } from './member.ts'
import { networksFoundCondition } from './networks-found.ts'
import { NextHopWatch } from './next-hop-news.ts'
import { conditionNews, specNews } from './node-news.ts'
import { PolicyChanges } from './policy-changes.ts'
import { clusterNodes, type StoredClusterNode, type StoredNodeConfig } from './resources.ts'
import type { RootPolicies } from './root-policies.ts'
import { twinsOf } from './twins.ts'

/** Tells something on an object of the root; never throws, never waits. */
export type RecordEvent = (regarding: EventRef, event: EventContent) => void

export interface DiscoveryOptions {
  readonly state: LinkState
  readonly record: RecordEvent
  /** Agents of a cluster have fallen silent, or are heard again. */
  readonly wordsAged: (cluster: string) => void
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/**
 * Writes what is found out about a cluster: its ClusterNodes and what happens to them, and on the Cluster its networks and
 * whether it is linked.
 */
export class DiscoveryController {
  readonly controller: Controller
  readonly #state: LinkState
  readonly #ids: TunnelIDs
  readonly #globals: GlobalCIDRs
  readonly #changes = new PolicyChanges()
  readonly #record: RecordEvent
  readonly #wordsAged: (cluster: string) => void
  readonly #nextHops = new NextHopWatch()
  #policies: RootPolicies['state'] | undefined

  constructor({ state, record, wordsAged, onReconcile }: DiscoveryOptions) {
    this.#state = state
    this.#record = record
    this.#wordsAged = wordsAged
    this.#ids = new TunnelIDs(() => state.clusterNodes.store.values())
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
    if (cluster === undefined || !takesPart(cluster)) return
    const member = this.#state.members.get(name)
    const { clusterLinkOptions: options } = cluster.spec
    const twin = this.#twinOf(cluster, member)
    if (member?.state.kind !== 'ready' || !options) {
      await this.#writeStatus(cluster, member, twin)
      return
    }
    const discovery = foundNetworks(options, member.networkObjects())
    const nodes = twin === undefined && member.otherRoot() === undefined ? member.nodes() : []
    const lookAfterMs = await this.#writeNodes(cluster, nodes, member, discovery)
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

  /** @returns when to look again at what agents say, if nothing is heard before */
  async #writeNodes(
    cluster: StoredCluster,
    nodes: readonly Node[],
    member: Member,
    { ofNodes }: Discovery,
  ): Promise<number | undefined> {
    const { root, clusters: known } = this.#state
    const { name } = cluster.metadata
    const own = cluster.spec.clusterLinkOptions
    if (own === undefined) return undefined
    const present = new Map(this.#state.nodesOf(name).map((node) => [node.spec.nodeName, node]))
    const words = this.#wordsOf(name, nodes, member)
    const silent = new Set(words.silent.keys())
    const gateways = electGateways(
      { name, networkType: own.networkType },
      nodes,
      gatewaysNow([...present.values()]),
      silent,
    )
    const options = [...known.store.values()].flatMap(({ spec }) => spec.clusterLinkOptions ?? [])
    const looks = [...words.looks]
    for (const node of nodes) {
      const nodeName = node.metadata.name
      const agent = member.nodeConfig(clusterNodeName(name, nodeName))
      const tunnelID = this.#ids.idOf({ cluster: name, node: nodeName, ip: internalIPv4(node) }, own, options)
      const podCIDRs = ofNodes.get(nodeName) ?? []
      const roles = rolesOf(nodeName, gateways)
      const endpoint = own.endpoints?.[nodeName]
      const spec = clusterNodeSpec({ cluster: name, node, podCIDRs, agent, endpoint, roles, tunnelID })
      const before = present.get(nodeName)
      present.delete(nodeName)
      const stored = before && isDeepStrictEqual(before.spec, spec) ? before : await this.#writeNode(name, spec)
      if (stored !== before) this.#tell(stored, specNews(before?.spec, spec))
      const said = { agent, silentMs: words.silent.get(nodeName), clockAheadMs: member.clockAheadMs(nodeName) }
      const conditions = conditionsToShow(stored, said, Date.now())
      if (conditions) {
        await this.#showConditions(stored, conditions)
        this.#tell(stored, conditionNews(stored.status?.conditions ?? [], conditions))
        if ((silentSince(stored) !== undefined) !== words.silent.has(nodeName)) this.#wordsAged(name)
      }
      const lookAfterMs = agent && this.#tellOfNextHops(stored, agent)
      if (lookAfterMs !== undefined) looks.push(lookAfterMs)
    }
    for (const { metadata } of present.values()) {
      await root.delete(clusterNodes, { name: metadata.name }, { uid: metadata.uid })
    }
    this.#nextHops.keep((node) => this.#state.clusterNodes.get(node) !== undefined)
    return looks.length > 0 ? Math.min(...looks) : undefined
  }

  /** Agents that are silent, since how long, and when each of the others would be. */
  #wordsOf(cluster: string, nodes: readonly Node[], member: Member) {
    const silent = new Map<string, number>()
    const looks: number[] = []
    for (const { metadata } of nodes) {
      const name = clusterNodeName(cluster, metadata.name)
      if (member.nodeConfig(name)?.status?.conditions === undefined) continue
      const word = member.wordOf(metadata.name)
      if (word.kind !== 'silent') looks.push(word.forMs)
      // Who looks anew believes who looked before.
      const shown = this.#state.clusterNodes.get(name)
      if (word.kind === 'silent') silent.set(metadata.name, word.silentMs)
      else if (word.kind === 'unheard' && shown && silentSince(shown) !== undefined) silent.set(metadata.name, 0)
    }
    return { silent, looks }
  }

  #tell({ metadata: { name, uid } }: StoredClusterNode, news: readonly EventContent[]): void {
    for (const event of news) this.#record({ apiVersion, kind: clusterNodeKind.kind, name, uid }, event)
  }

  #tellOfNextHops(stored: StoredClusterNode, { metadata, status }: StoredNodeConfig): number | undefined {
    const said = {
      version: `${metadata.uid} ${metadata.resourceVersion}`,
      nextHops: status?.nextHops ?? [],
      isKnown: stored.status?.conditions?.some(({ reason }) => reason === 'SomeUnreachable') === true,
    }
    const { silent, answering, lookAfterMs } = this.#nextHops.look(stored.metadata.name, said, performance.now())
    const named = (address: string) => overlayNames(this.#state.network).get(address) ?? address
    this.#tell(stored, [
      ...(silent.length > 0 ? [linkEvents.nextHopSilent(silent.map(named))] : []),
      ...(answering.length > 0 ? [linkEvents.nextHopAnswers(answering.map(named))] : []),
    ])
    return lookAfterMs
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
    throw refused(`ClusterNode ${name}`, outcome)
  }

  async #showConditions({ metadata }: StoredClusterNode, conditions: readonly Condition[]): Promise<void> {
    const { name, uid } = metadata
    const patch = { metadata: { uid }, status: { conditions } }
    expectWritten(
      `ClusterNode ${name}`,
      await this.#state.root.patch(clusterNodes, { name }, patch, { type: 'merge', subresource: 'status' }),
    )
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
    const now = `${new Date().toISOString().slice(0, 19)}Z`
    const conditions = [linked, ...found, ...this.#policiesFollowed(cluster)].reduce(
      (all, next) => withCondition(all, next, now),
      present,
    )
    if (conditions === present && isDeepStrictEqual(clusterLinkStatus, cluster.status?.clusterLinkStatus)) return
    // Somebody else writes conditions as well: only what we have read is replaced.
    const patch = { metadata: { uid, resourceVersion }, status: { conditions, clusterLinkStatus } }
    const write = { type: 'merge', subresource: 'status' } as const
    expectWritten(`Cluster ${name}`, await this.#state.root.patch(clusters, { name }, patch, write))
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

function gatewaysNow(nodes: readonly StoredClusterNode[]): Gateways {
  const withRole = (role: 'gateway' | 'standby') =>
    new Set(nodes.filter(({ spec }) => spec.roles?.includes(role)).map(({ spec }) => spec.nodeName))
  const standby = withRole('standby')
  return { active: withRole('gateway').difference(standby), standby }
}

function rolesOf(node: string, { active, standby }: Gateways): ('gateway' | 'standby')[] {
  if (active.has(node)) return ['gateway']
  return standby.has(node) ? ['gateway', 'standby'] : []
}

/** What the watch will tell is no failure: the object has gone or has changed meanwhile, and its key comes again. */
function expectWritten(what: string, outcome: Outcome<unknown>): void {
  if (outcome.ok || isOvertaken(outcome)) return
  throw refused(`${what}: status cannot be written`, outcome)
}

const internalIPv4 = ({ status }: Node): string | undefined =>
  status?.addresses?.find(({ type, address }) => type === 'InternalIP' && !address.includes(':'))?.address
