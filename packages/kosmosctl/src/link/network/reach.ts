import type { LinkRoute, NodeConfigSpec } from '@kosmos/api'
import { detoursOf, type LinkCluster, type LinkNode, type Pair } from '@kosmos/cluster-link'
import { type Cidr, contains, parseCidr } from '@kosmos/kube/addresses'
import type { TunnelState } from './tunnels.ts'
import type { HopState, LinkView } from './view.ts'

/**
 * works; partly: some ways or nodes do not; broken: no node reaches any; unknown: nobody has said; none: no way is
 * foreseen; forbidden: policies do not allow one.
 */
export type PairVerdict = 'works' | 'partly' | 'broken' | 'unknown' | 'none' | 'forbidden'

/** How one node reaches a cluster. */
export interface NodeReach {
  readonly verdict: PairVerdict
  /** Whether it has a way to every network. */
  readonly isReaching: boolean
  readonly tunnels: readonly TunnelState[]
}

/** How each node of a cluster reaches another one: each network by one of its next hops at least. */
export function reachOf(
  view: LinkView,
  cluster: LinkCluster,
  pair: Pair,
  byNode: ReadonlyMap<string, readonly TunnelState[]>,
): NodeReach[] {
  const nodes = [...cluster.nodes.values()]
  const placeOf = ({ name }: LinkNode) => `${cluster.name}/${name}`
  const isInside = (hop: TunnelState) => hop.to.startsWith(`${cluster.name}/`)
  const look = (place: string, isMeant: (hop: TunnelState) => boolean, stateBy: (hop: TunnelState) => HopState) =>
    nodeReach(view, place, pair, (byNode.get(place) ?? []).filter(isMeant), stateBy)
  const outward = new Map(
    nodes.map((node) => [
      placeOf(node),
      look(
        placeOf(node),
        (hop) => !isInside(hop),
        ({ state }) => state,
      ),
    ]),
  )
  // A gateway of one's own that answers is of use as far as it reaches the other cluster itself.
  const asFarAsGateway = (hop: TunnelState): HopState => {
    const beyond = outward.get(hop.to)
    if (!isInside(hop) || hop.state !== 'up' || beyond === undefined || beyond.isReaching) return hop.state
    return beyond.verdict === 'unknown' ? 'unknown' : 'down'
  }
  return nodes.map((node) => look(placeOf(node), () => true, asFarAsGateway))
}

function nodeReach(
  view: LinkView,
  place: string,
  { visible }: Pair,
  hops: readonly TunnelState[],
  stateBy: (hop: TunnelState) => HopState,
): NodeReach {
  const config = view.configs.get(place)
  if (config === undefined) {
    return { verdict: visible.length === 0 ? 'none' : 'unknown', isReaching: false, tunnels: [] }
  }
  const wanted = visible.map(({ global }) => global)
  const byAddress = new Map(hops.map((hop) => [hop.nextHop, hop]))
  const routes = parsedRoutes(config.spec).flatMap(({ cidr, network, route }) => {
    const hop = byAddress.get(route.gw ?? '')
    return hop && wanted.some((one) => contains(one, network)) ? [{ cidr, hop, route }] : []
  })
  // Other gateways take what this one cannot carry, one after the other.
  const detours = (route: LinkRoute | undefined) =>
    route ? detoursOf(route, config.spec).flatMap(({ gw = '' }) => byAddress.get(gw) ?? []) : []
  const networks = [...Map.groupBy(routes, ({ cidr }) => cidr).values()].map((some) => {
    const direct = some.map(({ hop }) => stateBy(hop))
    return networkVerdict(direct.includes('up') ? direct : [...direct, ...detours(some[0]?.route).map(stateBy)])
  })
  const isReaching = networks.length > 0 && networks.every((one) => one === 'works' || one === 'partly')
  return { verdict: together(networks), isReaching, tunnels: [...new Set(routes.map(({ hop }) => hop))] }
}

interface ParsedRoute {
  readonly cidr: string
  readonly network: Cidr
  readonly route: LinkRoute
}

const parsed = new WeakMap<NodeConfigSpec, readonly ParsedRoute[]>()

/** Each pair of clusters looks at the routes of the same nodes. */
function parsedRoutes(spec: NodeConfigSpec): readonly ParsedRoute[] {
  const before = parsed.get(spec)
  if (before) return before
  const routes = (spec.routes ?? []).map((route) => ({ cidr: route.cidr, network: parseCidr(route.cidr), route }))
  parsed.set(spec, routes)
  return routes
}

function networkVerdict(hops: readonly HopState[]): PairVerdict {
  if (hops.every((state) => state === 'up')) return 'works'
  if (hops.includes('up')) return 'partly'
  return hops.includes('unknown') ? 'unknown' : 'broken'
}

/** What several verdicts come to. */
export function together(verdicts: readonly PairVerdict[]): PairVerdict {
  if (verdicts.length === 0) return 'none'
  const [first = 'none'] = verdicts
  if (verdicts.every((verdict) => verdict === first)) return first
  if (verdicts.includes('broken') || verdicts.includes('partly') || verdicts.includes('none')) return 'partly'
  return 'unknown'
}
