import type { LinkCluster, LinkNode, Tunnel } from '../model/network.ts'
import { byRendezvous } from './rendezvous.ts'

/** Without gateways, so many nodes of a P2P cluster take in what is for its Services. */
const SERVICE_ENTRIES = 3

/** Nodes that have tunnels to other clusters: all of a P2P cluster, the gateways of another. */
export function edgesOf(cluster: LinkCluster): LinkNode[] {
  const nodes = [...cluster.nodes.values()]
  return cluster.networkType === 'p2p' ? nodes : nodes.filter(({ isGateway }) => isGateway)
}

export function isEdge(cluster: LinkCluster, node: LinkNode): boolean {
  return cluster.networkType === 'p2p' || node.isGateway
}

/**
 * The gateways of a cluster for its traffic with one other cluster, the first one first. Both sides come to the same
 * order, so that answers take the way of the questions and no connection tracking sees one half of a connection; with
 * many clusters, every gateway is the first of some.
 */
export function gatewaysFor(cluster: LinkCluster, other: LinkCluster): LinkNode[] {
  return ordered(cluster, other, (node) => node.isGateway)
}

/** The nodes that take in what another cluster sends to the Services of this one. */
export function serviceEntries(cluster: LinkCluster, other: LinkCluster): LinkNode[] {
  const gateways = gatewaysFor(cluster, other)
  if (gateways.length > 0 || cluster.networkType === 'gateway') return gateways
  return ordered(cluster, other, () => true).slice(0, SERVICE_ENTRIES)
}

function ordered(cluster: LinkCluster, other: LinkCluster, isWanted: (node: LinkNode) => boolean): LinkNode[] {
  const names = [...cluster.nodes.values()].filter(isWanted).map(({ name }) => name)
  const pair = [cluster.name, other.name].sort().join('\0')
  return byRendezvous(pair, names).flatMap((name) => cluster.nodes.get(name) ?? [])
}

/**
 * The tunnel between two clusters: encrypted if one of them wants it; where they want different encryption, what the
 * cluster wants whose name comes first.
 */
export function tunnelBetween(a: LinkCluster, b: LinkCluster): Tunnel {
  const [first, second] = a.name < b.name ? [a, b] : [b, a]
  return first.tunnel === 'vxlan' ? second.tunnel : first.tunnel
}
