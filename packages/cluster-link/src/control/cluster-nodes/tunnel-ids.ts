import { type ClusterLinkOptions, clusterNodeName } from '@kosmos/api'
import { parseCidr } from '@kosmos/kube/addresses'
import { freeTunnelID, idBits, isTunnelID } from '../../plan/addresses.ts'
import type { StoredClusterNode } from '../resources.ts'

type TunnelNetworks = Pick<ClusterLinkOptions, 'bridgeCIDRs' | 'localCIDRs'>

function bitsIn(all: readonly TunnelNetworks[]): number {
  const pools = all.flatMap(({ bridgeCIDRs, localCIDRs }) =>
    [bridgeCIDRs.ip, bridgeCIDRs.ip6, localCIDRs.ip, localCIDRs.ip6].filter((cidr) => cidr !== ''),
  )
  return idBits(pools.map(parseCidr))
}

/** Gives numbers to nodes: what a node has it keeps as long as its cluster has an address for it, and no two have the same. */
export class TunnelIDs {
  readonly #known: () => Iterable<StoredClusterNode>
  /** Written, but not yet heard of. */
  readonly #given = new Map<string, number>()

  constructor(known: () => Iterable<StoredClusterNode>) {
    this.#known = known
  }

  /**
   * @param own what the cluster of the node says of networks for overlay addresses
   * @param all what any cluster does
   * @throws when all numbers that fit into these networks are taken
   */
  idOf(
    { cluster, node, ip }: { readonly cluster: string; readonly node: string; readonly ip: string | undefined },
    own: TunnelNetworks,
    all: readonly TunnelNetworks[],
  ): number {
    const name = clusterNodeName(cluster, node)
    const taken = new Set(this.#given.values())
    for (const { metadata, spec } of this.#known()) {
      if (spec.tunnelID === undefined) continue
      if (metadata.name === name) {
        if (isTunnelID(spec.tunnelID, bitsIn([own]))) return spec.tunnelID
        continue
      }
      taken.add(spec.tunnelID)
      if (this.#given.get(metadata.name) === spec.tunnelID) this.#given.delete(metadata.name)
    }
    const before = this.#given.get(name)
    if (before !== undefined) return before
    const id = freeTunnelID({ name, ip }, taken, bitsIn([own, ...all]))
    if (id === undefined) throw new Error(`ClusterNode ${name}: bridgeCIDRs and localCIDRs have no address left`)
    this.#given.set(name, id)
    return id
  }
}
