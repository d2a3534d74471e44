import { isDeepStrictEqual } from 'node:util'
import { type ClusterNodeSpec, type Condition, nodeConfigCondition } from '@kosmos/api'
import { type Node, timestamp } from '@kosmos/kube'
import { nodeFacts } from '../../discover/node.ts'
import type { StoredClusterNode, StoredNodeConfig } from '../resources.ts'

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
  return [{ ...nodeConfigCondition('ClockRight', 'ClockOff', { detail }), lastTransitionTime: timestamp(now) }]
}

/** The moment of the last word stays as it was first told. */
function silenced(
  before: readonly Condition[],
  said: readonly Condition[],
  silentMs: number,
  now: number,
): readonly Condition[] {
  const detail = `last word ${timestamp(now - silentMs)}, by the clock of the root`
  return said.map((condition) => {
    const { type } = condition
    if (type !== 'Applied' && type !== 'NextHopsReachable') return condition
    const told = before.find((one) => one.type === type)
    if (told?.reason === SILENT) return told
    return { ...nodeConfigCondition(type, SILENT, { detail }), lastTransitionTime: timestamp(now) }
  })
}
