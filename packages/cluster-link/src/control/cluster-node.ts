import { isDeepStrictEqual } from 'node:util'
import {
  type ClusterLinkOptions,
  type ClusterNodeSpec,
  type Condition,
  clusterNodeName,
  nodeConfigCondition,
} from '@kosmos/api'
import type { Node } from '@kosmos/kube'
import { parseCidr } from '@kosmos/kube/addresses'
import { nodeFacts } from '../discover/node.ts'
import { freeTunnelID, idBits, isTunnelID } from '../plan/addresses.ts'
import type { StoredClusterNode, StoredNodeConfig } from './resources.ts'

export interface ClusterNodeFacts {
  readonly cluster: string
  readonly node: Node
  readonly podCIDRs: readonly string[]
  readonly agent: StoredNodeConfig | undefined
  /** What the Cluster says of where it is reached. */
  readonly endpoint: string | undefined
  readonly roles: readonly ('gateway' | 'standby')[]
  readonly tunnelID: number
}

/** What the ClusterNode of a node should say. */
export function clusterNodeSpec({
  cluster,
  node,
  podCIDRs,
  agent,
  endpoint,
  roles,
  tunnelID,
}: ClusterNodeFacts): ClusterNodeSpec {
  return {
    clusterName: cluster,
    nodeName: node.metadata.name,
    podCIDRs: [...podCIDRs],
    ...nodeFacts(node, agent?.status),
    ...(endpoint !== undefined && { endpoint }),
    ...(roles.length > 0 && { roles: [...roles] }),
    tunnelID,
  }
}

export interface AgentSaid {
  readonly agent: StoredNodeConfig | undefined
  /** How long it has been silent, if it is: what it said may not hold any more. */
  readonly silentMs: number | undefined
  /** How far its clock is ahead of ours, 0: it is right; undefined: not known yet, and who looked before is believed. */
  readonly clockAheadMs: number | undefined
}

/** Conditions of the agent for the ClusterNode, or undefined if it has them. Generations there mean nothing here. */
export function conditionsToShow(
  shown: StoredClusterNode,
  { agent, silentMs, clockAheadMs }: AgentSaid,
  now: number,
): readonly Condition[] | undefined {
  const before = shown.status?.conditions ?? []
  const said = agent?.status?.conditions?.map(({ observedGeneration: _, ...condition }) => condition) ?? []
  const ofAgent = silentMs === undefined ? said : silenced(before, said, silentMs, now)
  const toShow = [...ofAgent, ...clockOff(before, clockAheadMs, now)]
  return isDeepStrictEqual(before, toShow) ? undefined : toShow
}

const SILENT = 'AgentSilent'

/** When the agent on a node was heard of last, if its ClusterNode says that it is silent: then nobody knows how it does. */
export function silentSince({ status }: StoredClusterNode): string | undefined {
  const said = status?.conditions?.find(({ reason }) => reason === SILENT)
  return said && (/: last word (\S+),/.exec(said.message)?.[1] ?? said.lastTransitionTime)
}

/** By how much stays as it was first told. */
function clockOff(before: readonly Condition[], aheadMs: number | undefined, now: number): readonly Condition[] {
  const told = before.filter(({ type }) => type === 'ClockRight')
  if (aheadMs === 0) return []
  if (aheadMs === undefined || told.length > 0) return told
  const seconds = `${Math.round(Math.abs(aheadMs) / 1000)} s`
  const detail = aheadMs > 0 ? `ahead of the root by ${seconds}` : `behind the root by ${seconds}`
  return [{ ...nodeConfigCondition('ClockRight', 'ClockOff', { detail }), lastTransitionTime: timeOf(now) }]
}

/** The moment of the last word stays as it was first told. */
function silenced(
  before: readonly Condition[],
  said: readonly Condition[],
  silentMs: number,
  now: number,
): readonly Condition[] {
  const detail = `last word ${timeOf(now - silentMs)}, by the clock of the root`
  return said.map((condition) => {
    const { type } = condition
    if (type !== 'Applied' && type !== 'NextHopsReachable') return condition
    const told = before.find((one) => one.type === type)
    if (told?.reason === SILENT) return told
    return { ...nodeConfigCondition(type, SILENT, { detail }), lastTransitionTime: timeOf(now) }
  })
}

const timeOf = (milliseconds: number): string => `${new Date(milliseconds).toISOString().slice(0, 19)}Z`

type TunnelNetworks = Pick<ClusterLinkOptions, 'bridgeCIDRs' | 'localCIDRs'>

function bitsIn(all: readonly TunnelNetworks[]): number {
  const pools = all.flatMap(({ bridgeCIDRs, localCIDRs }) =>
    [bridgeCIDRs.ip, bridgeCIDRs.ip6, localCIDRs.ip, localCIDRs.ip6].filter((cidr) => cidr !== ''),
  )
  return idBits(pools.map(parseCidr))
}

/** Gives numbers to nodes: what a node has it keeps as long as its cluster has an address for it, and no two have the same. */
export class TunnelIDs {
  readonly #known: () => Iterable<StoredClusterNode>
  /** Written, but not yet heard of. */
  readonly #given = new Map<string, number>()

  constructor(known: () => Iterable<StoredClusterNode>) {
    this.#known = known
  }

  /**
   * @param own what the cluster of the node says of networks for overlay addresses
   * @param all what any cluster does
   * @throws when all numbers that fit into these networks are taken
   */
  idOf(
    { cluster, node, ip }: { readonly cluster: string; readonly node: string; readonly ip: string | undefined },
    own: TunnelNetworks,
    all: readonly TunnelNetworks[],
  ): number {
    const name = clusterNodeName(cluster, node)
    const taken = new Set(this.#given.values())
    for (const { metadata, spec } of this.#known()) {
      if (spec.tunnelID === undefined) continue
      if (metadata.name === name) {
        if (isTunnelID(spec.tunnelID, bitsIn([own]))) return spec.tunnelID
        continue
      }
      taken.add(spec.tunnelID)
      if (this.#given.get(metadata.name) === spec.tunnelID) this.#given.delete(metadata.name)
    }
    const before = this.#given.get(name)
    if (before !== undefined) return before
    const id = freeTunnelID({ name, ip }, taken, bitsIn([own, ...all]))
    if (id === undefined) throw new Error(`ClusterNode ${name}: bridgeCIDRs and localCIDRs have no address left`)
    this.#given.set(name, id)
    return id
  }
}
