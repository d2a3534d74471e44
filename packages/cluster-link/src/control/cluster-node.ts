import { isDeepStrictEqual } from 'node:util'
import { type ClusterLinkOptions, type ClusterNodeSpec, type Condition, clusterNodeName } from '@kosmos/api'
import type { Node } from '@kosmos/kube'
import { parseCidr } from '@kosmos/kube/addresses'
import { nodeFacts } from '../discover/node.ts'
import { freeTunnelID, idBits } from '../plan/addresses.ts'
import type { StoredClusterNode, StoredNodeConfig } from './resources.ts'

export interface ClusterNodeFacts {
  readonly cluster: string
  readonly node: Node
  readonly agent: StoredNodeConfig | undefined
  readonly isGateway: boolean
  readonly tunnelID: number
}

/** What the ClusterNode of a node should say. */
export function clusterNodeSpec({ cluster, node, agent, isGateway, tunnelID }: ClusterNodeFacts): ClusterNodeSpec {
  return {
    clusterName: cluster,
    nodeName: node.metadata.name,
    ...nodeFacts(node, agent?.status),
    ...(isGateway && { roles: ['gateway'] }),
    tunnelID,
  }
}

/** Conditions of the agent for the ClusterNode, or undefined if it has them. Generations there mean nothing here. */
export function conditionsToShow(
  shown: StoredClusterNode,
  agent: StoredNodeConfig | undefined,
): readonly Condition[] | undefined {
  const said = agent?.status?.conditions?.map(({ observedGeneration: _, ...condition }) => condition) ?? []
  return isDeepStrictEqual(shown.status?.conditions ?? [], said) ? undefined : said
}

/** Gives numbers to nodes: what a node has it keeps, and no two have the same. */
export class TunnelIDs {
  readonly #known: () => Iterable<StoredClusterNode>
  /** Written, but not yet heard of. */
  readonly #given = new Map<string, number>()

  constructor(known: () => Iterable<StoredClusterNode>) {
    this.#known = known
  }

  /** @throws when all numbers that fit into the networks for overlay addresses are taken */
  idOf(cluster: string, node: string, ip: string | undefined, options: readonly ClusterLinkOptions[]): number {
    const name = clusterNodeName(cluster, node)
    const taken = new Set(this.#given.values())
    for (const { metadata, spec } of this.#known()) {
      if (spec.tunnelID === undefined) continue
      if (metadata.name === name) return spec.tunnelID
      taken.add(spec.tunnelID)
      this.#given.delete(metadata.name)
    }
    const before = this.#given.get(name)
    if (before !== undefined) return before
    const pools = options.flatMap(({ bridgeCIDRs, localCIDRs }) =>
      [bridgeCIDRs.ip, bridgeCIDRs.ip6, localCIDRs.ip, localCIDRs.ip6].filter((cidr) => cidr !== ''),
    )
    const id = freeTunnelID({ name, ip }, taken, idBits(pools.map(parseCidr)))
    if (id === undefined) throw new Error(`ClusterNode ${name}: bridgeCIDRs and localCIDRs have no address left`)
    this.#given.set(name, id)
    return id
  }
}
