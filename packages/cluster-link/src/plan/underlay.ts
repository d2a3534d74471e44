import { type Cidr, hostBits, parseCidr } from '@kosmos/kube/addresses'
import type { LinkCluster, LinkNode } from '../model/network.ts'
import { oncePer } from '../model/once-per.ts'
import { edgesOf } from './roles.ts'

/** The addresses that tunnels start from and lead to, in order. */
type Addresses = Readonly<Record<4 | 6, readonly Cidr[]>>

interface Underlay {
  readonly all: Addresses
  readonly edges: Addresses
}

/**
 * An address of a node that would be taken for one of a pod or Service, were the network routed into a tunnel: one of
 * the viewer's, or one that the tunnel itself leads to.
 */
export function nodeWithin(
  cidr: Cidr,
  viewer: LinkCluster,
  target: LinkCluster,
): { readonly cluster: string; readonly cidr: Cidr } | undefined {
  const own = firstWithin(cidr, underlayOf(viewer).all)
  if (own) return { cluster: viewer.name, cidr: own }
  const far = firstWithin(cidr, underlayOf(target).edges)
  return far && { cluster: target.name, cidr: far }
}

const underlayOf = oncePer(
  (cluster: LinkCluster): Underlay => ({
    all: addressesOf([...cluster.nodes.values()]),
    edges: addressesOf(edgesOf(cluster)),
  }),
)

function addressesOf(nodes: readonly LinkNode[]): Addresses {
  const sorted = (addresses: readonly (string | undefined)[]) =>
    addresses
      .flatMap((address) => (address === undefined ? [] : parseCidr(address)))
      .sort((a, b) => (a.base < b.base ? -1 : 1))
  const outside = (family: 4 | 6) =>
    nodes.flatMap(({ endpoint }) => (endpoint?.family === family ? endpoint.address : []))
  return {
    4: sorted([...nodes.map(({ ip }) => ip), ...outside(4)]),
    6: sorted([...nodes.map(({ ip6 }) => ip6), ...outside(6)]),
  }
}

/** Thousands of nodes are asked for each network of each pair: by halves. */
function firstWithin(cidr: Cidr, addresses: Addresses): Cidr | undefined {
  const all = addresses[cidr.family]
  let [from, to] = [0, all.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((all[middle]?.base ?? 0n) < cidr.base) from = middle + 1
    else to = middle
  }
  const found = all[from]
  return found && found.base >> BigInt(hostBits(cidr)) === cidr.base >> BigInt(hostBits(cidr)) ? found : undefined
}
