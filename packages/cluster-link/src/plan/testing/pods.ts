import assert from 'node:assert/strict'
import { type Cidr, hostBits, nthAddress, translate } from '@kosmos/kube/addresses'
import type { LinkCluster, LinkNetwork, LinkNode } from '../../model/network.ts'

interface Pod {
  readonly place: string
  readonly cluster: LinkCluster
  readonly family: 4 | 6
  readonly address: string
  /** As other clusters know it. */
  readonly global: string
}

function podOn(cluster: LinkCluster, node: LinkNode, cidr: Cidr): Pod {
  const n = hostBits(cidr) > 0 ? 5n : 0n
  const address = nthAddress(cidr, n)
  const network = cluster.networks.find(({ kind, local }) => kind === 'Pod' && local.family === cidr.family)
  assert.ok(network)
  const global = nthAddress(translate(cidr, network.local, network.global), n)
  return { place: `${cluster.name}/${node.name}`, cluster, family: cidr.family, address, global }
}

/** A pod in each network of every node. */
export const podsOf = (network: LinkNetwork): Pod[] =>
  [...network.values()].flatMap((cluster) =>
    [...cluster.nodes.values()].flatMap((node) => node.podCIDRs.map((cidr) => podOn(cluster, node, cidr))),
  )

/** Pods of different clusters that have addresses of one family, in both directions. */
export function* pairsOfPods(network: LinkNetwork): Generator<[Pod, Pod]> {
  const pods = podsOf(network)
  for (const from of pods) {
    for (const to of pods) if (from.cluster !== to.cluster && from.family === to.family) yield [from, to]
  }
}
