import type { NextHopStatus, NodeConfigSpec } from '@kosmos/api'
import { Forwarding, type StoredNodeConfig, silentSince } from '@kosmos/cluster-link'
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

/** Its NodeConfigs, without what agents have said that are silent by now. */
export function configsOf(cluster: LinkedCluster): readonly StoredNodeConfig[] {
  const silent = silentNodes(cluster)
  const configs = insideOf(cluster)?.configs ?? []
  return silent.size === 0 ? configs : configs.map((one) => (silent.has(one.spec.nodeName) ? unsaid(one) : one))
}

/** Nodes whose agents are silent, and since when. Who watches them says so on ClusterNodes; one look could not tell. */
export function silentNodes({ nodes }: LinkedCluster): ReadonlyMap<string, string> {
  return new Map(
    nodes.flatMap((node) => {
      const since = silentSince(node)
      return since === undefined ? [] : [[node.spec.nodeName, since] as const]
    }),
  )
}

function unsaid({ status, ...config }: StoredNodeConfig): StoredNodeConfig {
  const { conditions, nextHops, ...others } = status ?? {}
  return { ...config, status: others }
}

export function nextHopOf(config: StoredNodeConfig | undefined, address: string): NextHopStatus | undefined {
  const found = config?.status?.nextHops?.find((hop) => hop.address === address)
  // Asked, but no answer is due yet.
  return found?.lastProbeTime === undefined ? undefined : found
}

export function stateOf(hop: NextHopStatus | undefined): HopState {
  return hop === undefined ? 'unknown' : hop.reachable ? 'up' : 'down'
}
