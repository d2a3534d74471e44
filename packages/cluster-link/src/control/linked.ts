import { type ClusterConditionReason, type ClusterLinkOptions, clusterCondition, type NewCondition } from '@kosmos/api'
import type { Overlap } from '../plan/visible.ts'
import type { MemberState } from './member.ts'
import type { StoredClusterNode } from './resources.ts'

export interface LinkedFacts {
  readonly cluster: string
  readonly options: ClusterLinkOptions
  readonly observedGeneration: number
  /** Undefined: there are no credentials to connect with. */
  readonly member: MemberState | undefined
  readonly podCIDRs: readonly string[]
  readonly nodes: readonly StoredClusterNode[]
  readonly overlaps: readonly Overlap[]
}

/** More than this of a kind are counted, not listed. */
const LISTED = 3

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

function firstProblem({ cluster, options, member, podCIDRs, nodes, overlaps }: LinkedFacts): Problem {
  if (member === undefined) return { reason: 'CredentialsInvalid' }
  if (member.kind === 'unreachable') return { reason: 'ClusterUnreachable', detail: member.message }
  if (member.kind === 'kindMissing') return { reason: 'KindMissing' }
  if (member.kind === 'connecting') return { reason: 'Connecting' }
  if (podCIDRs.length === 0) return { reason: 'NetworksUnknown' }
  const isGateway = ({ spec }: StoredClusterNode) => spec.roles?.includes('gateway') === true
  if (options.networkType === 'gateway' && !nodes.some(isGateway)) return { reason: 'NoGateway' }
  const own = overlaps.filter((overlap) => overlap.cluster === cluster || overlap.otherCluster === cluster)
  if (own.length > 0) return { reason: 'NetworksOverlap', detail: listed(own.map(sentenceOf)) }
  const failing = nodes.flatMap(nodeProblem)
  return failing.length > 0 ? { reason: 'NodesNotReady', detail: listed(failing) } : { reason: 'Linked' }
}

const sentenceOf = ({ cluster, cidr, otherCluster, otherCidr }: Overlap): string =>
  `${cidr} of ${cluster} and ${otherCidr} of ${otherCluster}`

function nodeProblem({ spec, status }: StoredClusterNode): string[] {
  const { conditions = [] } = status ?? {}
  if (conditions.length === 0) return [`${spec.nodeName}: its agent has not reported`]
  const bad = conditions.find(({ status }) => status !== 'True')
  return bad ? [`${spec.nodeName}: ${bad.reason}`] : []
}

function listed(items: readonly string[]): string {
  const rest = items.length - LISTED
  return [...items.slice(0, LISTED), ...(rest > 0 ? [`${rest} more`] : [])].join(', ')
}
