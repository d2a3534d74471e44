import { type LinkCluster, type LinkNode, type Pair, pairsOf, podNetworksOf } from '@kosmos/cluster-link'
import { contains, formatAddress, parseCidr } from '@kosmos/kube/addresses'
import type { TunnelState } from './tunnels.ts'
import { type HopState, type LinkView, nextHopOf, stateOf } from './view.ts'

/** works; partly: some ways or nodes do not; broken: no node reaches any; unknown: nobody has said; none: no way is foreseen. */
export type PairVerdict = 'works' | 'partly' | 'broken' | 'unknown' | 'none'

/** How the nodes of one cluster reach another one. */
export interface PairState {
  readonly from: string
  readonly to: string
  readonly mode: string
  readonly tunnel: 'wireguard' | 'vxlan'
  readonly families: readonly (4 | 6)[]
  readonly verdict: PairVerdict
  /** Nodes of `from` that have a way to all of `to`, and how many there are. */
  readonly nodesReaching: number
  readonly nodes: number
  readonly mtu?: number
  readonly slowestMicroseconds?: number
  readonly worstLossPercent?: number
  readonly since?: string
}

/** Every ordered pair of linked clusters. */
export function pairStates(view: LinkView, tunnels: readonly TunnelState[]): PairState[] {
  const byNode = Map.groupBy(tunnels, ({ from }) => from)
  return [...view.facts.network.values()].flatMap((cluster) =>
    pairsOf(view.facts.network, cluster).map((pair) => pairState(view, cluster, pair, byNode)),
  )
}

function pairState(
  view: LinkView,
  cluster: LinkCluster,
  pair: Pair,
  byNode: ReadonlyMap<string, readonly TunnelState[]>,
): PairState {
  const seen = [...cluster.nodes.values()].map((node) => nodeState(view, cluster, node, pair, byNode))
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

interface NodeState {
  readonly verdict: PairVerdict
  /** Whether it has a way to every network. */
  readonly isReaching: boolean
  readonly tunnels: readonly TunnelState[]
}

/** How one node reaches a cluster: each network by one of its next hops at least. */
function nodeState(
  view: LinkView,
  cluster: LinkCluster,
  node: LinkNode,
  { visible }: Pair,
  byNode: ReadonlyMap<string, readonly TunnelState[]>,
): NodeState {
  const place = `${cluster.name}/${node.name}`
  const config = view.configs.get(place)
  if (config === undefined) {
    return { verdict: visible.length === 0 ? 'none' : 'unknown', isReaching: false, tunnels: [] }
  }
  const wanted = visible.map(({ global }) => global)
  const routes = (config.spec.routes ?? []).filter(
    ({ cidr, gw }) => gw !== undefined && wanted.some((network) => contains(network, parseCidr(cidr))),
  )
  const gateways = new Set(routes.map(({ gw }) => gw))
  const tunnels = (byNode.get(place) ?? []).filter(({ nextHop }) => gateways.has(nextHop))
  const networks = [...Map.groupBy(routes, ({ cidr }) => cidr).values()].map((hops) =>
    networkVerdict(hops.map(({ gw = '' }) => stateOf(nextHopOf(config, gw)))),
  )
  const isReaching = networks.length > 0 && networks.every((one) => one === 'works' || one === 'partly')
  return { verdict: together(networks), isReaching, tunnels }
}

function networkVerdict(hops: readonly HopState[]): PairVerdict {
  if (hops.every((state) => state === 'up')) return 'works'
  if (hops.includes('up')) return 'partly'
  return hops.includes('unknown') ? 'unknown' : 'broken'
}

function together(verdicts: readonly PairVerdict[]): PairVerdict {
  if (verdicts.length === 0) return 'none'
  const [first = 'none'] = verdicts
  if (verdicts.every((verdict) => verdict === first)) return first
  if (verdicts.includes('broken') || verdicts.includes('partly') || verdicts.includes('none')) return 'partly'
  return 'unknown'
}

/** From one node to the pods of another one, by the way that packets take now. */
export interface NodePairState {
  readonly from: string
  readonly to: string
  readonly family: 4 | 6
  readonly path: readonly string[]
  readonly state: HopState | 'none'
  /** What is in the way. */
  readonly why?: string
  readonly roundTripMicroseconds?: number
  readonly lossPercent?: number
  readonly mtu?: number
}

/** Every ordered pair of nodes of different clusters, for each family in which the second one has pods. */
export function nodePairStates(view: LinkView): NodePairState[] {
  const { network } = view.facts
  return [...network.values()].flatMap((cluster) =>
    pairsOf(network, cluster).flatMap((pair) =>
      [...cluster.nodes.values()].flatMap((node) =>
        [...pair.target.nodes.values()].flatMap((other) => {
          const networks = podNetworksOf(other, pair.visible)
          const families = new Map(networks.map((cidr) => [cidr.family, cidr]))
          return [...families.values()].map(({ family, base }) =>
            nodePairState(view, `${cluster.name}/${node.name}`, `${pair.target.name}/${other.name}`, family, base),
          )
        }),
      ),
    ),
  )
}

function nodePairState(view: LinkView, from: string, to: string, family: 4 | 6, base: bigint): NodePairState {
  const trip = view.forwarding.send(from, undefined, formatAddress(family, base + 1n))
  const said = trip.hops.map((hop) => ({ hop, status: nextHopOf(view.configs.get(hop.from), hop.nextHop) }))
  const bad = said.find(({ status }) => stateOf(status) !== 'up')
  const state = trip.lost ? 'none' : bad ? stateOf(bad.status) : 'up'
  const why =
    trip.lost ?? (bad && `${bad.hop.to} ${state === 'down' ? 'does not answer' : 'was not asked by'} ${bad.hop.from}`)
  const mtus = trip.hops.flatMap(({ mtu }) => mtu ?? [])
  return {
    from,
    to,
    family,
    path: trip.path,
    state,
    ...(why !== undefined && { why }),
    ...(state === 'up' && {
      roundTripMicroseconds: said.reduce((sum, { status }) => sum + (status?.roundTripMicroseconds ?? 0), 0),
      lossPercent: Math.max(0, ...said.map(({ status }) => status?.lossPercent ?? 0)),
    }),
    ...(mtus.length > 0 && { mtu: Math.min(...mtus) }),
  }
}
