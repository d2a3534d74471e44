import { type ClusterConditionReason, type ClusterLinkOptions, clusterCondition, type NewCondition } from '@kosmos/api'
import { parseCidr } from '@kosmos/kube/addresses'
import type { SharedKey } from '../../plan/shared-keys.ts'
import type { Overlap } from '../../plan/visible.ts'
import { silentSince } from '../cluster-nodes/cluster-node.ts'
import type { MemberState } from '../members/member.ts'
import type { StoredClusterNode } from '../resources.ts'
import { listed } from './listed.ts'

export interface LinkedFacts {
  readonly cluster: string
  readonly options: ClusterLinkOptions
  readonly observedGeneration: number
  /** Undefined: there are no credentials to connect with. */
  readonly member: MemberState | undefined
  readonly podCIDRs: readonly string[]
  readonly nodes: readonly StoredClusterNode[]
  readonly overlaps: readonly Overlap[]
  /** Networks of tunnels that are pods' or Services' as well. */
  readonly taken: readonly Overlap[]
  /** Nodes that have a key in common. */
  readonly sharedKeys: readonly SharedKey[]
  /** Another Cluster, by name, that stands for the same cluster and was there first. */
  readonly twin?: string | undefined
  /** Ids of this root, and of another one that links the cluster already. */
  readonly roots?: { readonly own: string; readonly other: string | undefined }
}

/** The condition Linked of a Cluster: the first thing that is in the way. */
export function linkedCondition(facts: LinkedFacts): NewCondition {
  const { observedGeneration } = facts
  const { reason, detail } = firstProblem(facts)
  return clusterCondition('Linked', reason, { observedGeneration, ...(detail !== undefined && { detail }) })
}

interface Problem {
  readonly reason: ClusterConditionReason<'Linked'>
  readonly detail?: string | undefined
}

function firstProblem({
  cluster,
  options,
  member,
  podCIDRs,
  nodes,
  overlaps,
  taken,
  sharedKeys,
  twin,
  roots,
}: LinkedFacts): Problem {
  if (member === undefined) return { reason: 'CredentialsInvalid' }
  if (member.kind === 'unreachable') return { reason: 'ClusterUnreachable', detail: member.message }
  if (member.kind === 'kindMissing') return { reason: 'KindMissing' }
  if (member.kind === 'connecting') return { reason: 'Connecting' }
  if (twin !== undefined) return { reason: 'ClusterLinkedTwice', detail: twin }
  if (roots?.other !== undefined) {
    return { reason: 'LinkedByOtherRoot', detail: `root ${roots.other} links it, this is root ${roots.own}` }
  }
  if (podCIDRs.length === 0) return { reason: 'NetworksUnknown' }
  const wanted = { all: undefined, ipv4: 4, ipv6: 6 }[options.ipFamily]
  if (wanted && podCIDRs.every((cidr) => parseCidr(cidr).family !== wanted)) {
    return { reason: 'FamilyMissing', detail: `ipFamily is ${options.ipFamily}, pods are in ${listed(podCIDRs)}` }
  }
  const isGateway = ({ spec }: StoredClusterNode) => spec.roles?.includes('gateway') === true
  if (options.networkType === 'gateway' && !nodes.some(isGateway)) return { reason: 'NoGateway' }
  const isOwn = (both: Pick<Overlap, 'cluster' | 'otherCluster'>) =>
    both.cluster === cluster || both.otherCluster === cluster
  const own = overlaps.filter(isOwn)
  if (own.length > 0) return { reason: 'NetworksOverlap', detail: listed(own.map(sentenceOf)) }
  const hiding = taken
    .filter(isOwn)
    .map((one) => `${one.cidr} of the tunnels of ${one.cluster} and ${one.otherCidr} of ${one.otherCluster}`)
  if (hiding.length > 0) return { reason: 'TunnelNetworksTaken', detail: listed(hiding) }
  const sharing = sharedKeys
    .filter(isOwn)
    .map((one) => `${one.node} of ${one.cluster} and ${one.otherNode} of ${one.otherCluster}`)
  if (sharing.length > 0) return { reason: 'KeysShared', detail: listed(sharing) }
  const failing = nodes.flatMap(nodeProblem)
  if (failing.length > 0) return { reason: 'NodesNotReady', detail: listed(failing) }
  const silent = nodes.filter(isSilent).map(({ spec }) => spec.nodeName)
  return silent.length > 0 ? { reason: 'AgentsSilent', detail: listed(silent) } : { reason: 'Linked' }
}

const sentenceOf = ({ cluster, cidr, otherCluster, otherCidr }: Overlap): string =>
  `${cidr} of ${cluster} and ${otherCidr} of ${otherCluster}`

const isSilent = (node: StoredClusterNode): boolean => silentSince(node) !== undefined

function nodeProblem(node: StoredClusterNode): string[] {
  const { spec, status: { conditions = [] } = {} } = node
  if (isSilent(node)) return []
  if (conditions.length === 0) return [`${spec.nodeName}: its agent has not reported`]
  const bad = conditions.find(({ status }) => status !== 'True')
  return bad ? [`${spec.nodeName}: ${bad.reason}`] : []
}
