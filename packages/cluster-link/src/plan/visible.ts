import { type Cidr, contains, formatCidr, overlaps, translate } from '@kosmos/kube/addresses'
import type { LinkCluster, LinkNetwork, LinkNode, SeenNetwork } from '../model/network.ts'
import { nodeWithin } from './underlay.ts'

/** Two networks that cannot both be reached, and whose they are. */
export interface Overlap {
  readonly cluster: string
  readonly cidr: string
  readonly otherCluster: string
  readonly otherCidr: string
}

const isCarried = (network: SeenNetwork, a: LinkCluster, b: LinkCluster): boolean =>
  a.families.has(network.local.family) && b.families.has(network.local.family)

/**
 * The networks of `target` that `viewer` reaches, under the addresses by which it does: not those that its own networks
 * hide, nor those that have addresses of its nodes or of the ends of its tunnels, nor those that a cluster with a name
 * before it, with which the viewer talks as well, has already.
 */
export function visibleNetworks(network: LinkNetwork, viewer: LinkCluster, target: LinkCluster): SeenNetwork[] {
  return target.networks.filter(
    (seen) => isCarried(seen, viewer, target) && hidingNetwork(network, viewer, target, seen.global) === undefined,
  )
}

function hidingNetwork(
  network: LinkNetwork,
  viewer: LinkCluster,
  target: LinkCluster,
  cidr: Cidr,
): { readonly cluster: string; readonly cidr: Cidr } | undefined {
  for (const { local } of viewer.networks) if (overlaps(local, cidr)) return { cluster: viewer.name, cidr: local }
  const node = nodeWithin(cidr, viewer, target)
  if (node) return node
  for (const other of network.values()) {
    if (other.name >= target.name || other.name === viewer.name || viewer.strangers.has(other.name)) continue
    for (const { global } of other.networks) if (overlaps(global, cidr)) return { cluster: other.name, cidr: global }
  }
  return undefined
}

/** Every pair of networks of which one hides the other, for the statuses of their clusters. */
export function overlapsIn(network: LinkNetwork): Overlap[] {
  const found = new Map<string, Overlap>()
  for (const viewer of network.values()) {
    for (const target of network.values()) {
      if (viewer === target || viewer.strangers.has(target.name)) continue
      for (const seen of target.networks) {
        if (!isCarried(seen, viewer, target)) continue
        const hiding = hidingNetwork(network, viewer, target, seen.global)
        if (hiding === undefined) continue
        const overlap = {
          cluster: target.name,
          cidr: formatCidr(seen.global),
          otherCluster: hiding.cluster,
          otherCidr: formatCidr(hiding.cidr),
        }
        const sides = [`${overlap.cluster} ${overlap.cidr}`, `${overlap.otherCluster} ${overlap.otherCidr}`]
        found.set(sides.sort().join(' '), overlap)
      }
    }
  }
  return [...found.values()]
}

/** Networks that tunnels of a cluster take addresses from (`cidr`), and that are somebody's pods or Services as well. */
export function takenByTunnels(network: LinkNetwork): Overlap[] {
  return [...network.values()].flatMap((cluster) =>
    [...network.values()]
      .filter(({ name }) => !cluster.strangers.has(name))
      .flatMap((other) => {
        const overlays = other === cluster ? [cluster.bridge, cluster.local] : [cluster.bridge]
        const known = other.networks.flatMap(({ local, global }) =>
          overlaps(local, global) ? [local] : [local, global],
        )
        return overlays
          .flatMap(({ ip, ip6 }) => [ip, ip6])
          .flatMap((cidr) => (cidr && cluster.families.has(cidr.family) ? [cidr] : []))
          .flatMap((cidr) => known.filter((taken) => overlaps(cidr, taken)).map((taken) => ({ cidr, taken })))
          .map(({ cidr, taken }) => ({
            cluster: cluster.name,
            cidr: formatCidr(cidr),
            otherCluster: other.name,
            otherCidr: formatCidr(taken),
          }))
      }),
  )
}

/** The pod networks of one node under the addresses by which others reach them. */
export function podNetworksOf(node: LinkNode, visible: readonly SeenNetwork[]): Cidr[] {
  return node.podCIDRs.flatMap((cidr) => seenAs(cidr, visible) ?? [])
}

/** How others see a network of pods; undefined if it is in none of these. */
export function seenAs(cidr: Cidr, networks: readonly SeenNetwork[]): Cidr | undefined {
  const within = networks.find(({ kind, local }) => kind === 'Pod' && contains(local, cidr))
  return within && translate(cidr, within.local, within.global)
}
