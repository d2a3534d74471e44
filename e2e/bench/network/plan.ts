import { type LinkCluster, type LinkNetwork, type LinkNode, pairsOf, planNode } from '@kosmos/cluster-link'
import { parseCidr } from '@kosmos/kube/addresses'

const bridge = { ip: parseCidr('220.0.0.0/8') }
const local = { ip: parseCidr('210.0.0.0/8') }
const CLUSTERS = 50
const NODES = 100

/** What it costs to plan 50 clusters of 100 nodes each, two of them gateways. */
export interface PlanFigures {
  readonly clusters: number
  readonly nodesPerCluster: number
  readonly fullPlanMs: number
  /** A gateway, the costliest. */
  readonly oneNodeMs: number
  readonly largestNodeConfigKiB: number
}

export function measurePlan(): PlanFigures {
  planAll(fleet())
  const { ms: fullPlanMs, largest } = planAll(fleet())
  return {
    clusters: CLUSTERS,
    nodesPerCluster: NODES,
    fullPlanMs,
    oneNodeMs: planOne(fleet()),
    largestNodeConfigKiB: largest / 1024,
  }
}

/** What it takes to plan every node, and the length of the largest NodeConfig; to write them down is not counted. */
function planAll(network: LinkNetwork): { readonly ms: number; readonly largest: number } {
  let ms = 0
  let largest = 0
  const timed = <T>(work: () => T): T => {
    const started = performance.now()
    const result = work()
    ms += performance.now() - started
    return result
  }
  for (const cluster of network.values()) {
    const pairs = timed(() => pairsOf(network, cluster))
    for (const node of cluster.nodes.values()) {
      const spec = timed(() => planNode(cluster, node, pairs))
      largest = Math.max(largest, JSON.stringify(spec).length)
    }
  }
  return { ms, largest }
}

function planOne(network: LinkNetwork): number {
  const [cluster] = network.values()
  const [node] = cluster?.nodes.values() ?? []
  if (cluster === undefined || node === undefined) throw new Error('the fleet is empty')
  const started = performance.now()
  planNode(cluster, node, pairsOf(network, cluster))
  return performance.now() - started
}

function fleet(): LinkNetwork {
  return new Map(
    Array.from({ length: CLUSTERS }, (_, c): [string, LinkCluster] => {
      const [pods, services] = [`10.${c}.0.0/16`, `172.16.${c}.0/24`].map(parseCidr)
      const nodes = Array.from({ length: NODES }, (_, n): [string, LinkNode] => {
        const name = `n${n}`
        const ip = `192.168.${c}.${n + 1}`
        const podCIDRs = [parseCidr(`10.${c}.${n}.0/24`)]
        return [name, { name, ip, podCIDRs, isGateway: n < 2, tunnelID: c * NODES + n + 1, mtu: 1500 }]
      })
      const networks = [
        ...(pods ? [{ kind: 'Pod' as const, local: pods, global: pods }] : []),
        ...(services ? [{ kind: 'Service' as const, local: services, global: services }] : []),
      ]
      const common = { networkType: 'gateway' as const, tunnel: 'vxlan' as const, families: new Set([4 as const]) }
      return [
        `c${c}`,
        { name: `c${c}`, ...common, bridge, local, networks, nodes: new Map(nodes), strangers: new Map() },
      ]
    }),
  )
}
