import {
  type ClusterLinkOptions,
  type ClusterLinkPolicy,
  type ClusterNode,
  globalCIDRsOf,
  hasClusterLink,
  isRootCluster,
  parseEndpoint,
} from '@kosmos/api'
import type { StoredCluster } from '@kosmos/kube'
import { parseCidr } from '@kosmos/kube/addresses'
import { type FoundNetworks, seenNetworks } from '../../discover/networks.ts'
import type { CidrPair, LinkCluster, LinkNetwork, LinkNode, Strangers } from '../../model/network.ts'
import { idBits, isTunnelID } from '../../plan/addresses.ts'
import { type LinkPolicy, type Subject, strangersOf } from '../../plan/policies.ts'

/** What agents have not told yet. */
const USUAL_MTU = 1500

const families = {
  all: new Set<4 | 6>([4, 6]),
  ipv4: new Set<4 | 6>([4]),
  ipv6: new Set<4 | 6>([6]),
} as const

const pair = ({ ip, ip6 }: ClusterLinkOptions['bridgeCIDRs']): CidrPair => ({
  ...(ip !== '' && { ip: parseCidr(ip) }),
  ...(ip6 !== '' && { ip6: parseCidr(ip6) }),
})

const linkNodes = new WeakMap<ClusterNode, LinkNode | undefined>()

/** The same as long as the ClusterNode is: most of a network stays as it is when one node changes. */
function linkNode(stored: ClusterNode): LinkNode | undefined {
  if (!linkNodes.has(stored)) linkNodes.set(stored, toLinkNode(stored))
  return linkNodes.get(stored)
}

function toLinkNode({ spec }: ClusterNode): LinkNode | undefined {
  const { nodeName, ip, ip6, podCIDRs = [], roles = [], tunnelID, mtu = USUAL_MTU } = spec
  if (tunnelID === undefined) return undefined
  const isGateway = roles.includes('gateway')
  const isStandby = roles.includes('standby')
  const { publicKey, ipsecPublicKey, nextPublicKey, nextIpsecPublicKey } = spec
  const keys = { publicKey, ipsecPublicKey, nextPublicKey, nextIpsecPublicKey }
  const endpoint = parseEndpoint(spec.endpoint ?? '')
  const at = { ip, ip6, ...(endpoint && { endpoint }) }
  return { name: nodeName, ...at, podCIDRs: podCIDRs.map(parseCidr), isGateway, isStandby, tunnelID, ...keys, mtu }
}

/** Whether a Cluster takes part in ClusterLink now. */
export function takesPart(cluster: StoredCluster): boolean {
  return hasClusterLink(cluster) && cluster.metadata.deletionTimestamp === undefined
}

/** Whether a Cluster has to have credentials: the root is reached by the ones that we have. */
export const needsCredentials = (cluster: StoredCluster): boolean => !isRootCluster(cluster)

/** A Cluster with its ClusterNodes as the plan knows it; undefined if it does not take part, or nothing is known yet. */
export function linkCluster(
  cluster: StoredCluster,
  nodes: Iterable<ClusterNode>,
  strangers: Strangers = new Map(),
): LinkCluster | undefined {
  const { clusterLinkOptions: options } = cluster.spec
  const found = cluster.status?.clusterLinkStatus
  if (!takesPart(cluster) || options === undefined || found === undefined) return undefined
  const { podCIDRs = [], serviceCIDRs = [] } = found
  const networks: FoundNetworks = { podCIDRs, serviceCIDRs }
  const { networkType, tunnel = networkType === 'gateway' ? 'wireguard' : 'vxlan' } = options
  const [bridge, local] = [pair(options.bridgeCIDRs), pair(options.localCIDRs)]
  const bits = idBits([bridge, local].flatMap(({ ip, ip6 }) => [ip, ip6]).filter((cidr) => cidr !== undefined))
  // Networks of tunnels may have become smaller: such a node is about to get another number.
  const known = [...nodes].flatMap((node) => linkNode(node) ?? []).filter(({ tunnelID }) => isTunnelID(tunnelID, bits))
  return {
    name: cluster.metadata.name,
    networkType,
    tunnel,
    // A family in which there are no pods needs no tunnels.
    families: families[options.ipFamily].intersection(familiesOf(networks.podCIDRs)),
    bridge,
    local,
    networks: seenNetworks(networks, globalCIDRsOf(cluster)),
    nodes: new Map(known.sort((a, b) => (a.name < b.name ? -1 : 1)).map((node) => [node.name, node])),
    strangers,
  }
}

const familiesOf = (cidrs: readonly string[]): Set<4 | 6> => new Set(cidrs.map((cidr) => parseCidr(cidr).family))

/** The clusters that take part, as policies see them. */
export function subjectsOf(clusters: Iterable<StoredCluster>): Subject[] {
  return [...clusters].filter(takesPart).map(({ metadata: { name, labels } }) => ({ name, labels }))
}

/** All clusters that take part, and who of them may not talk with whom. */
export function linkNetwork(
  clusters: Iterable<StoredCluster>,
  nodesOf: (cluster: string) => Iterable<ClusterNode>,
  policies: Iterable<ClusterLinkPolicy> = [],
): LinkNetwork {
  const some = [...clusters]
  const rules = [...policies].map(({ metadata: { name }, spec }): LinkPolicy => ({ name, spec }))
  const strangers = rules.length > 0 ? strangersOf(subjectsOf(some), rules) : new Map<string, Strangers>()
  const all = some.flatMap((cluster) => {
    const { name } = cluster.metadata
    return linkCluster(cluster, nodesOf(name), strangers.get(name)) ?? []
  })
  return new Map(all.map((cluster) => [cluster.name, cluster]))
}
