import type { LinkTranslation, NodeConfigSpec } from '@kosmos/api'
import { type Cidr, formatCidr, translate } from '@kosmos/kube/addresses'
import { devices } from '../model/names.ts'
import type { LinkCluster, LinkNode } from '../model/network.ts'
import { bridgeOverlay, localOverlay } from './addresses.ts'
import { borrowedFrom } from './borrowed.ts'
import { innerRoutes } from './inner-routes.ts'
import { type Pair, spokenIn } from './pairs.ts'
import { detourRanks, entriesFor, gatewaysOf, isEdge } from './roles.ts'
import { type Hop, routesVia } from './routes.ts'
import { type Place, SpecBuilder } from './spec-builder.ts'
import { podNetworksOf, seenAs } from './visible.ts'
import { without } from './without.ts'

/**
 * What a node needs so that its pods, those behind it, and it itself reach the other clusters.
 *
 * A packet for another cluster goes from an internal node to a gateway of its own (vx-local), from there, or from any
 * node of a P2P cluster, to an edge of the other cluster (vx-bridge, or vx-secure within an encrypted tunnel), and from a
 * gateway on to the node that has the pod (vx-local). All ways back are the same ways.
 * @param pairs the other clusters as the node's own sees them, see `pairsOf`
 * @param byGateways the networks of pods that nodes do not translate themselves, see `translatedByGateways`
 */
export function planNode(
  cluster: LinkCluster,
  node: LinkNode,
  pairs: readonly Pair[],
  byGateways: ReadonlySet<string> = new Set(),
): NodeConfigSpec {
  const place = { cluster, node }
  const builder = new SpecBuilder(place, { bridge: bridgeOverlay(cluster, node), local: localOverlay(cluster, node) })
  const isOnEdge = isEdge(cluster, node)
  if (isOnEdge) for (const pair of pairs) viaTunnels(builder, place, pair)
  else viaOwnGateways(builder, place, pairs)
  if (isOnEdge && cluster.networkType === 'gateway' && pairs.length > 0) serveOthers(builder, place, byGateways)
  return builder.build({
    translations: cluster.networks.map(({ kind, local, global }) => ({
      kind,
      local: formatCidr(local),
      global: formatCidr(global),
    })),
    nodeTranslations: cluster.networkType === 'gateway' && pairs.length > 0 ? ownTranslations(place, byGateways) : [],
    masquerades: isOnEdge && cluster.networkType === 'gateway' ? overlaySources(cluster) : [],
  })
}

/** From an edge of one cluster to the edges of the other. */
function viaTunnels(builder: SpecBuilder, { node }: Place, pair: Pair): void {
  const { target, tunnel, visible, edges } = pair
  const hops = new Map<string, Hop>()
  const routeVia = (cidr: Cidr, through: readonly Hop[]) => {
    for (const route of routesVia(formatCidr(cidr), cidr.family, through)) builder.route(route)
  }
  for (const edge of edges) {
    const overlay = spokenIn(pair, bridgeOverlay(target, edge))
    const dev = builder.tunnel(tunnel, { cluster: target, node: edge }, overlay)
    hops.set(edge.name, { overlay, dev })
    if (target.networkType !== 'p2p') continue
    for (const cidr of podNetworksOf(edge, visible)) {
      routeVia(cidr, [{ overlay, dev }])
    }
  }
  const routeBy = (cidr: Cidr, nodes: readonly LinkNode[]) => {
    const through = nodes.flatMap(({ name }) => hops.get(name) ?? [])
    routeVia(cidr, through)
  }
  if (target.networkType === 'gateway') for (const { cidr, gateways } of pair.shares) routeBy(cidr, gateways)
  const entries = entriesFor(node, pair.serviceEntries)
  for (const { kind, global } of visible) if (kind === 'Service') routeBy(global, entries)
}

/** From an internal node, by the gateways of its own cluster. */
function viaOwnGateways(builder: SpecBuilder, { cluster, node }: Place, pairs: readonly Pair[]): void {
  if (pairs.length === 0) return
  const hopTo = (gateway: LinkNode): Hop => {
    const overlay = localOverlay(cluster, gateway)
    return { overlay, dev: builder.tunnel('local', { cluster, node: gateway }, overlay) }
  }
  const hops = new Map(gatewaysOf(cluster).map((gateway) => [gateway, hopTo(gateway)]))
  builder.sharedRoutes(innerRoutes(cluster, node, pairs, hops))
}

/**
 * A gateway's tunnels to the other nodes of its cluster, and the pods behind them; other gateways take what it cannot
 * carry itself. Packets to mapped pods go on as they came where the nodes translate them; so do errors that the gateway
 * sends itself. Addresses of another node that pods of the gateway have stay with it. Where it is not known which node has
 * a pod, packets go by what the network plug-in has, and have to pass the reverse path filters there.
 */
function serveOthers(builder: SpecBuilder, { cluster, node }: Place, byGateways: ReadonlySet<string>): void {
  const ranks = new Map(detourRanks(cluster, node).map((rank) => [rank.gateway, rank]))
  for (const other of cluster.nodes.values()) {
    if (other === node) continue
    const overlay = localOverlay(cluster, other)
    const dev = builder.tunnel('local', { cluster, node: other }, overlay)
    const rank = ranks.get(other)
    if (rank && dev !== undefined) {
      const { metric, takesHandedOn } = rank
      for (const gw of [overlay.ip, overlay.ip6]) {
        if (gw === undefined) continue
        builder.detour({ gw, dev, ...(metric > 0 && { metric }), ...(takesHandedOn && { takesHandedOn }) })
      }
    }
    for (const network of podNetworksSeen({ cluster, node: other })) {
      const gw = network.local.family === 4 ? overlay.ip : overlay.ip6
      if (dev === undefined || gw === undefined) continue
      const isTranslatedThere = isMapped(network) && !byGateways.has(formatCidr(network.local))
      const others = borrowedFrom(cluster, network.local)
      const isBorrower = others.some((cidr) => node.podCIDRs.includes(cidr))
      for (const local of isBorrower ? without(network.local, others) : [network.local]) {
        builder.inwardRoute({ cidr: formatCidr(local), gw, dev })
        const global = translate(local, network.local, network.global)
        if (isTranslatedThere) builder.route({ cidr: formatCidr(global), gw, dev })
      }
    }
  }
}

interface Mapped {
  readonly local: Cidr
  readonly global: Cidr
}

const isMapped = ({ local, global }: Mapped): boolean => local.base !== global.base

/** Those of a node that pods have: nodes may have networks that their network plug-in does not use. */
const podNetworksSeen = ({ cluster, node }: Place): Mapped[] =>
  node.podCIDRs.flatMap((local) => {
    const global = seenAs(local, cluster.networks)
    return global ? [{ local, global }] : []
  })

/** Errors speak of the packet that they are about, and only who tracks a connection puts the addresses in there right. */
const ownTranslations = (place: Place, byGateways: ReadonlySet<string>): LinkTranslation[] =>
  podNetworksSeen(place)
    .filter(isMapped)
    .map(
      ({ local, global }): LinkTranslation => ({ local: formatCidr(local), global: formatCidr(global), kind: 'Pod' }),
    )
    .filter(({ local }) => !byGateways.has(local))

/** Other clusters do not know the overlay addresses of nodes behind a gateway. */
function overlaySources({ local: { ip, ip6 }, families }: LinkCluster) {
  const sources = [ip, ip6].flatMap((cidr) => (cidr && families.has(cidr.family) ? [formatCidr(cidr)] : []))
  const outward = [devices.bridge, devices.bridge6, devices.secure]
  return sources.flatMap((source) => outward.map(({ name: dev }) => ({ source, dev })))
}
