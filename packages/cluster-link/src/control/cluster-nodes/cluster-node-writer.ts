import { isDeepStrictEqual } from 'node:util'
import { apiVersion, type Condition, clusterNodeKind, clusterNodeName } from '@kosmos/api'
import { type EventContent, type EventRef, type Node, refused, type StoredCluster } from '@kosmos/kube'
import type { Discovery } from '../../discover/networks.ts'
import { electGateways, type Gateways } from '../../gateways/elect.ts'
import { overlayNames } from '../../plan/overlay-names.ts'
import type { LinkState } from '../link-state.ts'
import type { Member } from '../members/member.ts'
import { linkEvents } from '../news/events.ts'
import { NextHopWatch } from '../news/next-hop-news.ts'
import { conditionNews, specNews } from '../news/node-news.ts'
import { clusterNodes, type StoredClusterNode, type StoredNodeConfig } from '../resources.ts'
import { expectStatusWritten } from '../status-written.ts'
import { clusterNodeSpec, conditionsToShow, silentSince } from './cluster-node.ts'
import { TunnelIDs } from './tunnel-ids.ts'

/** Tells something on an object of the root; never throws, never waits. */
export type RecordEvent = (regarding: EventRef, event: EventContent) => void

export interface ClusterNodeWriterOptions {
  readonly state: LinkState
  readonly record: RecordEvent
  /** Agents of a cluster have fallen silent, or are heard again. */
  readonly wordsAged: (cluster: string) => void
}

/** What is known of the agents of a cluster. */
interface AgentWords {
  /** Those that are silent, by node, and for how long in ms. */
  readonly silent: ReadonlyMap<string, number>
  /** In how many ms each of the others would be. */
  readonly looks: readonly number[]
}

/** Keeps the ClusterNodes of a cluster as its nodes are and as their agents say, with Events for what changes. */
export class ClusterNodeWriter {
  readonly #state: LinkState
  readonly #record: RecordEvent
  readonly #wordsAged: (cluster: string) => void
  readonly #ids: TunnelIDs
  readonly #nextHops = new NextHopWatch()

  constructor({ state, record, wordsAged }: ClusterNodeWriterOptions) {
    this.#state = state
    this.#record = record
    this.#wordsAged = wordsAged
    this.#ids = new TunnelIDs(() => state.clusterNodes.store.values())
  }

  /** @returns in how many ms to look again at what agents say, if nothing is heard before */
  async write(
    cluster: StoredCluster,
    nodes: readonly Node[],
    member: Member,
    { ofNodes }: Discovery,
  ): Promise<number | undefined> {
    const { name } = cluster.metadata
    const own = cluster.spec.clusterLinkOptions
    if (own === undefined) return undefined
    const present = new Map(this.#state.nodesOf(name).map((node) => [node.spec.nodeName, node]))
    const { silent, looks } = this.#wordsOf(name, nodes, member)
    const elected = gatewaysNow([...present.values()])
    const gateways = electGateways({ name, networkType: own.networkType }, nodes, elected, new Set(silent.keys()))
    const options = [...this.#state.clusters.store.values()].flatMap(({ spec }) => spec.clusterLinkOptions ?? [])
    const again = [...looks]
    for (const node of nodes) {
      const nodeName = node.metadata.name
      const agent = member.nodeConfig(clusterNodeName(name, nodeName))
      const spec = clusterNodeSpec({
        cluster: name,
        node,
        podCIDRs: ofNodes.get(nodeName) ?? [],
        agent,
        endpoint: own.endpoints?.[nodeName],
        roles: rolesOf(nodeName, gateways),
        tunnelID: this.#ids.idOf({ cluster: name, node: nodeName, ip: internalIPv4(node) }, own, options),
      })
      const stored = await this.#writeSpec(present.get(nodeName), spec)
      present.delete(nodeName)
      await this.#writeConditions(stored, agent, silent.get(nodeName), member.clockAheadMs(nodeName))
      const lookAfterMs = agent && this.#tellOfNextHops(stored, agent)
      if (lookAfterMs !== undefined) again.push(lookAfterMs)
    }
    await this.#delete(present.values())
    this.#nextHops.keep((node) => this.#state.clusterNodes.get(node) !== undefined)
    return again.length > 0 ? Math.min(...again) : undefined
  }

  /** Takes away what is left of a Cluster that is there no longer, such as when it was forced to go with nobody running. */
  async forget(cluster: string): Promise<void> {
    await this.#delete(this.#state.nodesOf(cluster))
  }

  async #delete(nodes: Iterable<StoredClusterNode>): Promise<void> {
    for (const { metadata } of nodes) {
      await this.#state.root.delete(clusterNodes, { name: metadata.name }, { uid: metadata.uid })
    }
  }

  #wordsOf(cluster: string, nodes: readonly Node[], member: Member): AgentWords {
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

  async #writeSpec(before: StoredClusterNode | undefined, spec: StoredClusterNode['spec']): Promise<StoredClusterNode> {
    if (before && isDeepStrictEqual(before.spec, spec)) return before
    const name = clusterNodeName(spec.clusterName, spec.nodeName)
    const outcome = await this.#state.root.apply(clusterNodes, { metadata: { name }, spec } as object)
    if (!outcome.ok) throw refused(`ClusterNode ${name}`, outcome)
    this.#tell(outcome.object, specNews(before?.spec, spec))
    return outcome.object
  }

  async #writeConditions(
    stored: StoredClusterNode,
    agent: StoredNodeConfig | undefined,
    silentMs: number | undefined,
    clockAheadMs: number | undefined,
  ): Promise<void> {
    const conditions = conditionsToShow(stored, { agent, silentMs, clockAheadMs }, Date.now())
    if (conditions === undefined) return
    await this.#patchConditions(stored, conditions)
    this.#tell(stored, conditionNews(stored.status?.conditions ?? [], conditions))
    const wasSilent = silentSince(stored) !== undefined
    if (wasSilent !== (silentMs !== undefined)) this.#wordsAged(stored.spec.clusterName)
  }

  async #patchConditions({ metadata }: StoredClusterNode, conditions: readonly Condition[]): Promise<void> {
    const { name, uid } = metadata
    const patch = { metadata: { uid }, status: { conditions } }
    const write = { type: 'merge', subresource: 'status' } as const
    expectStatusWritten(`ClusterNode ${name}`, await this.#state.root.patch(clusterNodes, { name }, patch, write))
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

  #tell({ metadata: { name, uid } }: StoredClusterNode, news: readonly EventContent[]): void {
    for (const event of news) this.#record({ apiVersion, kind: clusterNodeKind.kind, name, uid }, event)
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

const internalIPv4 = ({ status }: Node): string | undefined =>
  status?.addresses?.find(({ type, address }) => type === 'InternalIP' && !address.includes(':'))?.address
