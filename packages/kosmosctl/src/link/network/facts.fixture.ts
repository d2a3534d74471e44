import {
  type ClusterLinkOptions,
  type ClusterLinkPolicySpec,
  type Condition,
  clusterCondition,
  clusterNodeName,
  defaultCluster,
  type NewCondition,
  type NodeConfigConditionReason,
  nodeConfigCondition,
} from '@kosmos/api'
import {
  Forwarding,
  linkNetwork,
  pairsOf,
  planNode,
  type StoredClusterNode,
  type StoredLinkPolicy,
  type StoredNodeConfig,
} from '@kosmos/cluster-link'
import type { Pod, StoredCluster } from '@kosmos/kube'
import type { LinkFacts } from './facts.ts'

export const now = Date.parse('2026-11-29T12:00:00Z')
const before = '2026-11-29T11:59:00Z'

/** What a test says about a cluster; the rest follows from its number. */
export interface Sketch {
  readonly name: string
  readonly nodes?: number
  readonly options?: Partial<ClusterLinkOptions>
  /** How many of its nodes are gateways. */
  readonly gateways?: number
  /** The second part of its networks: 10.X.0.0/16 for pods, 10.X.128.0/20 for Services. */
  readonly network?: number
  readonly mtus?: readonly number[]
  /** What its networks are, as its condition says. */
  readonly found?: NewCondition
}

export interface Circumstances {
  /** Whether a node (`cluster/node`) has no answer from another one. */
  readonly isSilent?: (from: string, to: string) => boolean
  /** ClusterLinkPolicies by their names. */
  readonly policies?: Readonly<Record<string, ClusterLinkPolicySpec>>
}

/** Linked clusters as they are when cluster-link and all agents have done their work. */
export function linkedFacts(
  sketches: readonly Sketch[],
  { isSilent = () => false, policies: rules = {} }: Circumstances = {},
): LinkFacts {
  const policies = Object.entries(rules).map(
    ([name, spec]) => ({ metadata: { name }, spec }) as unknown as StoredLinkPolicy,
  )
  const clusters = sketches.map(storedCluster)
  const nodes = sketches.flatMap(storedNodes)
  const nodesOf = (name: string) => nodes.filter(({ spec }) => spec.clusterName === name)
  const network = linkNetwork(clusters, nodesOf, policies)
  const { nodeOf } = overlaysOf(network)
  const configsOf = (name: string): StoredNodeConfig[] => {
    const cluster = network.get(name)
    if (cluster === undefined) return []
    return [...cluster.nodes.values()].map((node) => {
      const spec = planNode(cluster, node, pairsOf(network, cluster))
      const { routes = [], inwardRoutes = [], detours = [] } = spec
      const hops = [...new Set([...routes, ...inwardRoutes, ...detours].flatMap(({ gw }) => gw ?? []))]
      const nextHops = hops.map((address) => ({
        address,
        reachable: !isSilent(`${name}/${node.name}`, nodeOf(address) ?? ''),
        since: before,
        lastProbeTime: before,
        roundTripMicroseconds: 300,
        lossPercent: 0,
      }))
      const status = {
        observedGeneration: 1,
        abilities: ['NodeTranslations'],
        conditions: [condition('Applied', 'Applied')],
        nextHops,
      }
      const metadata = { name: clusterNodeName(name, node.name), generation: 1 }
      return { metadata, spec, status } as unknown as StoredNodeConfig
    })
  }
  return {
    now,
    rootVersion: 'v1.37.2',
    controllerSeen: now - 2_000,
    controller: { deployment: undefined, pods: [] },
    policies,
    network,
    clusters: clusters.map((cluster) => {
      const { name } = cluster.metadata
      const agents = nodesOf(name).map(({ spec }) => agentOn(spec.nodeName))
      return {
        name,
        cluster,
        nodes: nodesOf(name),
        inside: {
          version: 'v1.37.2',
          configs: configsOf(name),
          agents,
          services: { areKnown: true, imported: 0, corefile: undefined },
          kernels: new Map(nodesOf(name).map(({ spec }) => [spec.nodeName, '6.18.44'])),
        },
      }
    }),
  }
}

export function condition(
  type: 'Applied',
  reason: NodeConfigConditionReason<'Applied'>,
  options: { readonly detail?: string } = {},
): Condition {
  return { ...nodeConfigCondition(type, reason, options), lastTransitionTime: before }
}

const overlaysOf = (network: LinkFacts['network']) => {
  const forwarding = new Forwarding({ network, specOf: () => undefined })
  return { nodeOf: (address: string) => forwarding.nodeOf(address) }
}

function storedCluster({ name, options = {}, network, found }: Sketch, index: number): StoredCluster {
  const second = network ?? index + 1
  const conditions = [clusterCondition('Linked', 'Linked'), found ?? clusterCondition('NetworksFound', 'NetworksFound')]
  return defaultCluster({
    apiVersion: 'kosmos.io/v1alpha1',
    kind: 'Cluster',
    metadata: { name, uid: name, resourceVersion: '1' },
    spec: { clusterLinkOptions: { ipFamily: 'ipv4', ...options } },
    status: {
      clusterLinkStatus: { podCIDRs: [`10.${second}.0.0/17`], serviceCIDRs: [`10.${second}.128.0/20`] },
      conditions: conditions.map((one) => ({ ...one, lastTransitionTime: before })),
    },
  }) as unknown as StoredCluster
}

function storedNodes({ name, nodes = 2, gateways = 0, network, mtus = [] }: Sketch, index: number) {
  const second = network ?? index + 1
  return Array.from({ length: nodes }, (_, n): StoredClusterNode => {
    const nodeName = `n${n + 1}`
    const spec = {
      clusterName: name,
      nodeName,
      ip: `172.${16 + index}.0.${n + 1}`,
      podCIDRs: [`10.${second}.${n}.0/24`],
      tunnelID: index * 256 + n + 1,
      mtu: mtus[n] ?? 1500,
      publicKey: Buffer.from(`${name}-${nodeName}`.padEnd(32, '.')).toString('base64'),
      ipsecPublicKey: Buffer.from(`${name}-${nodeName}`.padEnd(32, '.')).toString('base64'),
      ...(n < gateways && { roles: ['gateway'] }),
    }
    return { metadata: { name: clusterNodeName(name, nodeName) }, spec } as unknown as StoredClusterNode
  })
}

const agentOn = (nodeName: string) =>
  ({
    metadata: { name: `agent-${nodeName}` },
    spec: { nodeName, containers: [{ name: 'agent', image: 'agent:1' }] },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  }) as unknown as Pod
