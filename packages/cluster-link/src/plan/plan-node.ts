import type { NodeConfigSpec } from '@kosmos/api'
import { formatCidr } from '@kosmos/kube/addresses'
import { devices } from '../model/names.ts'
import type { LinkCluster, LinkNode } from '../model/network.ts'
import { bridgeOverlay, localOverlay, type Overlay } from './addresses.ts'
import type { Pair } from './pairs.ts'
import { isEdge } from './roles.ts'
import { type Hop, type Place, SpecBuilder } from './spec-builder.ts'
import { podNetworksOf } from './visible.ts'

/**
 * What a node needs so that its pods, those behind it, and it itself reach the other clusters.
 *
 * A packet for another cluster goes from an internal node to a gateway of its own (vx-local), from there, or from any
 * node of a P2P cluster, to an edge of the other cluster (vx-bridge, or vx-secure within an encrypted tunnel), and on by
 * what the other cluster's network plug-in has. All ways back are the same ways.
 * @param pairs the other clusters as the node's own sees them, see `pairsOf`
 */
export function planNode(cluster: LinkCluster, node: LinkNode, pairs: readonly Pair[]): NodeConfigSpec {
  const place = { cluster, node }
  const builder = new SpecBuilder(place, { bridge: bridgeOverlay(cluster, node), local: localOverlay(cluster, node) })
  const isOnEdge = isEdge(cluster, node)
  for (const pair of pairs) {
    const inside = cluster.networkType === 'gateway' ? ownGateways(builder, place, pair) : []
    if (isOnEdge) viaTunnels(builder, pair, inside)
    else viaOwnGateways(builder, pair, inside)
  }
  if (isOnEdge && cluster.networkType === 'gateway' && pairs.length > 0) serveOthers(builder, place)
  return builder.build({
    translations: cluster.networks.map(({ kind, local, global }) => ({
      kind,
      local: formatCidr(local),
      global: formatCidr(global),
    })),
    masquerades: isOnEdge && cluster.networkType === 'gateway' ? overlaySources(cluster) : [],
  })
}

/**
 * The gateways of the node's own cluster that a packet for the other one passes, the first one first. For a gateway,
 * those that come before it: the others send their answers there.
 */
function ownGateways(builder: SpecBuilder, { cluster, node }: Place, pair: Pair): Hop[] {
  const self = pair.ownGateways.findIndex(({ name }) => name === node.name)
  return pair.ownGateways.slice(0, self < 0 ? undefined : self).map((gateway) => {
    const overlay = localOverlay(cluster, gateway)
    return { overlay, dev: builder.tunnel('local', { cluster, node: gateway }, overlay) }
  })
}

/** From an edge of one cluster to the edges of the other. */
function viaTunnels(builder: SpecBuilder, pair: Pair, before: readonly Hop[]): void {
  const { target, tunnel, visible, edges } = pair
  const hops = new Map<string, Hop>()
  for (const edge of edges) {
    const overlay = spokenIn(pair, bridgeOverlay(target, edge))
    const dev = builder.tunnel(tunnel, { cluster: target, node: edge }, overlay)
    hops.set(edge.name, { overlay, dev })
    if (target.networkType !== 'p2p') continue
    for (const cidr of podNetworksOf(edge, visible)) {
      builder.routeVia(formatCidr(cidr), cidr.family, [...before, { overlay, dev }])
    }
  }
  const through = (nodes: readonly LinkNode[]) => [...before, ...nodes.flatMap(({ name }) => hops.get(name) ?? [])]
  for (const { kind, global } of visible) {
    if (kind === 'Pod' && target.networkType === 'p2p') continue
    const entries = kind === 'Pod' ? pair.gateways : pair.serviceEntries
    builder.routeVia(formatCidr(global), global.family, through(entries))
  }
}

/** From an internal node, by the gateways of its own cluster; also to the edges' own addresses, as answers need it. */
function viaOwnGateways(builder: SpecBuilder, pair: Pair, hops: readonly Hop[]): void {
  for (const { global } of pair.visible) builder.routeVia(formatCidr(global), global.family, hops)
  for (const edge of pair.edges) {
    const { ip, ip6 } = spokenIn(pair, bridgeOverlay(pair.target, edge))
    if (ip) builder.routeVia(`${ip}/32`, 4, hops)
    if (ip6) builder.routeVia(`${ip6}/128`, 6, hops)
  }
}

function serveOthers(builder: SpecBuilder, { cluster, node }: Place): void {
  for (const other of cluster.nodes.values()) {
    if (other !== node) builder.tunnel('local', { cluster, node: other }, localOverlay(cluster, other))
  }
}

/** Other clusters do not know the overlay addresses of nodes behind a gateway. */
function overlaySources({ local: { ip, ip6 }, families }: LinkCluster) {
  const sources = [ip, ip6].flatMap((cidr) => (cidr && families.has(cidr.family) ? [formatCidr(cidr)] : []))
  const outward = [devices.bridge, devices.bridge6, devices.secure]
  return sources.flatMap((source) => outward.map(({ name: dev }) => ({ source, dev })))
}

const spokenIn = ({ families }: Pair, { ip, ip6 }: Overlay): Overlay => ({
  ...(ip && families.has(4) && { ip }),
  ...(ip6 && families.has(6) && { ip6 }),
})
