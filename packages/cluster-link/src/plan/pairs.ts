import { translate } from '@kosmos/kube/addresses'
import type { LinkCluster, LinkNetwork, LinkNode, SeenNetwork, Tunnel } from '../model/network.ts'
import type { Overlay } from './addresses.ts'
import { edgesOf, serviceEntries, tunnelBetween } from './roles.ts'
import { type Share, type Shares, sharesOf } from './shares.ts'
import { visibleNetworks } from './visible.ts'

/** What a cluster knows about another one that it talks with. */
export interface Pair {
  readonly target: LinkCluster
  readonly tunnel: Tunnel
  /** The families that both speak. */
  readonly families: ReadonlySet<4 | 6>
  /** The networks of the target that are reached. */
  readonly visible: readonly SeenNetwork[]
  /** The nodes of the target that have tunnels. */
  readonly edges: readonly LinkNode[]
  /** Pods of the target that are behind gateways, under the addresses by which the viewer reaches them. */
  readonly shares: readonly Share[]
  /** The nodes for its Services. */
  readonly serviceEntries: readonly LinkNode[]
  /** The gateways of the viewer for this pair. */
  readonly ownShares: Shares
}

/** Every other cluster that one may talk with as it sees it, in the order of their names. */
export function pairsOf(network: LinkNetwork, viewer: LinkCluster): Pair[] {
  return [...network.values()]
    .filter((target) => target !== viewer && !viewer.strangers.has(target.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((target) => {
      const visible = visibleNetworks(network, viewer, target)
      return {
        target,
        tunnel: tunnelBetween(viewer, target),
        families: viewer.families.intersection(target.families),
        visible,
        edges: edgesOf(target),
        shares: sharesSeen(sharesOf(target)(viewer), visible),
        serviceEntries: serviceEntries(target, viewer),
        ownShares: sharesOf(viewer)(target),
      }
    })
}

/** Of the overlay addresses of a node those that both speak. */
export const spokenIn = ({ families }: Pair, { ip, ip6 }: Overlay): Overlay => ({
  ...(ip && families.has(4) && { ip }),
  ...(ip6 && families.has(6) && { ip6 }),
})

function sharesSeen(shares: Shares, visible: readonly SeenNetwork[]): Share[] {
  const pods = visible.filter(({ kind }) => kind === 'Pod')
  return pods.flatMap(({ local, global }) =>
    shares.within(local).map(({ cidr, gateways }) => ({ cidr: translate(cidr, local, global), gateways })),
  )
}
