import { type LinkCluster, type Pair, pairsOf, tunnelBetween } from '@kosmos/cluster-link'
import { type PairVerdict, reachOf, together } from './reach.ts'
import type { TunnelState } from './tunnels.ts'
import type { LinkView } from './view.ts'

/** How the nodes of one cluster reach another one. */
export interface PairState {
  readonly from: string
  readonly to: string
  readonly mode: string
  readonly tunnel: Pair['tunnel']
  readonly families: readonly (4 | 6)[]
  readonly verdict: PairVerdict
  /** Nodes of `from` that have a way to all of `to`, and how many there are. */
  readonly nodesReaching: number
  readonly nodes: number
  readonly mtu?: number
  readonly slowestMicroseconds?: number
  readonly worstLossPercent?: number
  readonly since?: string
  /** The ClusterLinkPolicies that do not allow it. */
  readonly policies?: readonly string[]
}

/** Every ordered pair of linked clusters. */
export function pairStates(view: LinkView, tunnels: readonly TunnelState[]): PairState[] {
  const byNode = Map.groupBy(tunnels, ({ from }) => from)
  const { network } = view.facts
  return [...network.values()].flatMap((cluster) =>
    [
      ...pairsOf(network, cluster).map((pair) => pairState(view, cluster, pair, byNode)),
      ...[...cluster.strangers].flatMap(([name, policies]) => {
        const target = network.get(name)
        return target ? [forbidden(cluster, target, policies)] : []
      }),
    ].sort((a, b) => (a.to < b.to ? -1 : 1)),
  )
}

function forbidden(cluster: LinkCluster, target: LinkCluster, policies: readonly string[]): PairState {
  return {
    from: cluster.name,
    to: target.name,
    mode: `${cluster.networkType} → ${target.networkType}`,
    tunnel: tunnelBetween(cluster, target),
    families: [...cluster.families.intersection(target.families)].sort(),
    verdict: 'forbidden',
    nodesReaching: 0,
    nodes: cluster.nodes.size,
    policies,
  }
}

function pairState(
  view: LinkView,
  cluster: LinkCluster,
  pair: Pair,
  byNode: ReadonlyMap<string, readonly TunnelState[]>,
): PairState {
  const seen = reachOf(view, cluster, pair, byNode)
  const used = seen.flatMap(({ tunnels }) => tunnels)
  const up = used.filter(({ state }) => state === 'up')
  const most = (values: (number | undefined)[]) => Math.max(...values.filter((value) => value !== undefined))
  const mtus = used.flatMap(({ mtu }) => mtu ?? [])
  const times = used.flatMap(({ since }) => since ?? []).sort()
  const since = times.at(-1)
  return {
    from: cluster.name,
    to: pair.target.name,
    mode: `${cluster.networkType} → ${pair.target.networkType}`,
    tunnel: pair.tunnel,
    families: [...pair.families].sort(),
    verdict: together(seen.map(({ verdict }) => verdict)),
    nodesReaching: seen.filter(({ isReaching }) => isReaching).length,
    nodes: seen.length,
    ...(mtus.length > 0 && { mtu: Math.min(...mtus) }),
    ...(up.length > 0 && {
      slowestMicroseconds: most(up.map((one) => one.roundTripMicroseconds ?? 0)),
      worstLossPercent: most(up.map((one) => one.lossPercent ?? 0)),
    }),
    ...(since !== undefined && { since }),
  }
}
