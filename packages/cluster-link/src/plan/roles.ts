import type { LinkCluster, LinkNode, Tunnel } from '../model/network.ts'
import { oncePer } from '../model/once-per.ts'
import { byRendezvous } from './rendezvous.ts'

/** Without gateways, so many nodes of a P2P cluster take in what is for its Services. */
const SERVICE_ENTRIES = 3

export const gatewaysOf = oncePer(({ nodes }: LinkCluster): readonly LinkNode[] =>
  [...nodes.values()].filter(({ isGateway }) => isGateway),
)

/** Nodes that have tunnels to other clusters: all of a P2P cluster, the gateways of another. */
export function edgesOf(cluster: LinkCluster): readonly LinkNode[] {
  return cluster.networkType === 'p2p' ? [...cluster.nodes.values()] : gatewaysOf(cluster)
}

export function isEdge(cluster: LinkCluster, node: LinkNode): boolean {
  return cluster.networkType === 'p2p' || node.isGateway
}

/**
 * The gateways of a cluster for its traffic with one other cluster, the first one first. Both sides come to the same
 * order, so that answers take the way of the questions and no connection tracking sees one half of a connection.
 */
export function gatewaysFor(cluster: LinkCluster, other: LinkCluster): LinkNode[] {
  return gatewayOrder(cluster, other, '')
}

/** The same for a part of the traffic. */
export function gatewayOrder(cluster: LinkCluster, other: LinkCluster, part: string): LinkNode[] {
  return ordered(cluster, other, part, gatewaysOf(cluster))
}

/** The nodes that take in what another cluster sends to the Services of this one. */
export function serviceEntries(cluster: LinkCluster, other: LinkCluster): LinkNode[] {
  const gateways = gatewaysFor(cluster, other)
  if (gateways.length > 0 || cluster.networkType === 'gateway') return gateways
  return ordered(cluster, other, '', [...cluster.nodes.values()]).slice(0, SERVICE_ENTRIES)
}

/** The same in the order of one edge: whom it asks answers it, so that each edge may have an order of its own. */
export function entriesFor(edge: LinkNode, entries: readonly LinkNode[]): LinkNode[] {
  const nodes = new Map(entries.map((node) => [node.name, node]))
  return standbyLast(byRendezvous(edge.name, nodes.keys()).flatMap((name) => nodes.get(name) ?? []))
}

/** Another gateway of the same cluster as one of them sees it that is cut off. */
export interface DetourRank {
  readonly gateway: LinkNode
  /** The lowest one that answers takes what this one cannot carry. */
  readonly metric: number
  /** Whether it also takes what others have handed on to this one. */
  readonly takesHandedOn: boolean
}

/**
 * The order in which gateways hand on to each other. It is by name, which nothing changes, so that all have the same one
 * even while not all have heard of a change: what is handed on only to those that come later goes in no circle. Of two,
 * nobody is left to hand on to a second time.
 */
export function detourRanks(cluster: LinkCluster, { name: own }: LinkNode): DetourRank[] {
  const others = gatewaysOf(cluster).filter(({ name }) => name !== own)
  return [...others]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((gateway, metric) => ({ gateway, metric, takesHandedOn: others.length > 1 && gateway.name > own }))
}

function ordered(cluster: LinkCluster, other: LinkCluster, part: string, nodes: readonly LinkNode[]): LinkNode[] {
  const names = nodes.map(({ name }) => name)
  const pair = [cluster.name, other.name].sort()
  return standbyLast(byRendezvous([...pair, part].join('\0'), names).flatMap((name) => cluster.nodes.get(name) ?? []))
}

function standbyLast(nodes: readonly LinkNode[]): LinkNode[] {
  return [...nodes.filter(({ isStandby }) => !isStandby), ...nodes.filter(({ isStandby }) => isStandby)]
}

/**
 * The tunnel between two clusters: encrypted if one of them wants it; where they want different encryption, what the
 * cluster wants whose name comes first.
 */
export function tunnelBetween(a: LinkCluster, b: LinkCluster): Tunnel {
  const [first, second] = a.name < b.name ? [a, b] : [b, a]
  return first.tunnel === 'vxlan' ? second.tunnel : first.tunnel
}
