import type { NextHopStatus, NodeConfigSpec } from '@kosmos/api'
import { Forwarding, type StoredNodeConfig } from '@kosmos/cluster-link'
import type { Inside, LinkedCluster, LinkFacts } from './facts.ts'

/** What an agent says of a next hop; unknown also while there is no agent. */
export type HopState = 'up' | 'down' | 'unknown'

/** The facts, by node. Nodes are written as `cluster/node`. */
export interface LinkView {
  readonly facts: LinkFacts
  readonly configs: ReadonlyMap<string, StoredNodeConfig>
  readonly forwarding: Forwarding
}

export function viewOf(facts: LinkFacts): LinkView {
  const configs = new Map(
    facts.clusters.flatMap((cluster) =>
      configsOf(cluster).map((config): [string, StoredNodeConfig] => [
        `${cluster.name}/${config.spec.nodeName}`,
        config,
      ]),
    ),
  )
  const specOf = (place: string): NodeConfigSpec | undefined => configs.get(place)?.spec
  const forwarding = new Forwarding({
    network: facts.network,
    specOf,
    isSilent: (place, { nextHop }) => nextHopOf(configs.get(place), nextHop)?.reachable === false,
  })
  return { facts, configs, forwarding }
}

export const insideOf = ({ inside }: LinkedCluster): Inside | undefined => ('error' in inside ? undefined : inside)

export const configsOf = (cluster: LinkedCluster): readonly StoredNodeConfig[] => insideOf(cluster)?.configs ?? []

export function nextHopOf(config: StoredNodeConfig | undefined, address: string): NextHopStatus | undefined {
  const found = config?.status?.nextHops?.find((hop) => hop.address === address)
  // Asked, but no answer is due yet.
  return found?.lastProbeTime === undefined ? undefined : found
}

export function stateOf(hop: NextHopStatus | undefined): HopState {
  return hop === undefined ? 'unknown' : hop.reachable ? 'up' : 'down'
}
