import { type Cidr, formatCidr } from '@kosmos/kube/addresses'
import type { LinkCluster } from '../model/network.ts'
import { oncePer } from '../model/once-per.ts'
import { PrefixTable } from './prefix-table.ts'

const none: readonly Cidr[] = []

const borrowed = oncePer(({ nodes }: LinkCluster): ReadonlyMap<string, readonly Cidr[]> => {
  const all = [...nodes.values()].flatMap(({ podCIDRs }) => podCIDRs)
  const table = new PrefixTable<Cidr>()
  for (const cidr of all) table.add(cidr, cidr)
  const within = new Map<string, Cidr[]>()
  for (const cidr of all) {
    for (const [outer] of table.matches(cidr)) {
      if (outer === undefined || outer.prefix >= cidr.prefix) continue
      const key = formatCidr(outer)
      within.set(key, [...(within.get(key) ?? []), cidr])
    }
  }
  return within
})

/** What of a node's network other nodes have: addresses that they borrowed. */
export const borrowedFrom = (cluster: LinkCluster, network: Cidr): readonly Cidr[] =>
  borrowed(cluster).get(formatCidr(network)) ?? none
