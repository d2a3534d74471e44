import type { LinkCluster, LinkNetwork, LinkNode, SeenNetwork, Tunnel } from '../model/network.ts'
import { edgesOf, gatewaysFor, serviceEntries, tunnelBetween } from './roles.ts'
import { visibleNetworks } from './visible.ts'

/** What a cluster knows about another one that it is connected with. */
export interface Pair {
  readonly target: LinkCluster
  readonly tunnel: Tunnel
  /** The families that both speak. */
  readonly families: ReadonlySet<4 | 6>
  /** The networks of the target that are reached. */
  readonly visible: readonly SeenNetwork[]
  /** The nodes of the target that have tunnels. */
  readonly edges: readonly LinkNode[]
  /** The gateways of the target, and the nodes for its Services, the first one first. */
  readonly gateways: readonly LinkNode[]
  readonly serviceEntries: readonly LinkNode[]
  /** The gateways of the viewer for this pair, the first one first. */
  readonly ownGateways: readonly LinkNode[]
}

/** Every other cluster as one sees it, in the order of their names. */
export function pairsOf(network: LinkNetwork, viewer: LinkCluster): Pair[] {
  return [...network.values()]
    .filter((target) => target !== viewer)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((target) => ({
      target,
      tunnel: tunnelBetween(viewer, target),
      families: viewer.families.intersection(target.families),
      visible: visibleNetworks(network, viewer, target),
      edges: edgesOf(target),
      gateways: gatewaysFor(target, viewer),
      serviceEntries: serviceEntries(target, viewer),
      ownGateways: gatewaysFor(viewer, target),
    }))
}
