import { type WorkloadPolicy, workloadPolicyLabel } from '@kosmos/api'
import { keyOf, type LabelSelector, labelSelector, type ObjectKey, type Pod, SelectorError } from '@kosmos/kube'
import { type Method, type Share, sharesOf } from '../seats/seats.ts'
import { isOfDaemonSet, isOfWorkload, type Workload } from './workload.ts'

/** A WorkloadPolicy as the root returned it. */
export type StoredPolicy = WorkloadPolicy & {
  metadata: { uid: string; resourceVersion: string }
}

/** A policy, read once for all of its pods. */
export interface CompiledPolicy {
  readonly key: ObjectKey
  readonly name: string
  readonly topologyKey: string
  readonly shares: readonly Share[]
  /** The values whose allocation says a max of its own. */
  readonly bounded: readonly string[]
  readonly method: Method
  /** Whether pods beyond what the shares add up to wait. */
  readonly isRequired: boolean
  /** Whether a pod stays bound for a place that no node offers. */
  readonly waitsForNodes: boolean
  /** Whether each revision of each workload is counted by itself. */
  readonly countsRevisions: boolean
  /** Whether and how pods are moved to where they belong. */
  readonly rebalance: StoredPolicy['spec']['rebalance']
  /** What it says whose pods it is about by: one of the two. */
  readonly workload: Workload | undefined
  readonly selector: LabelSelector | undefined
  /** How directly it means a pod, 0 the most; undefined: not at all. */
  readonly rank: (pod: Pod) => number | undefined
  readonly createdAt: string
}

export function compilePolicy(policy: StoredPolicy): CompiledPolicy {
  const { metadata, spec } = policy
  const isRequired = spec.allocationType === 'Required'
  const selector = selectorOf(spec)
  return {
    key: keyOf(policy),
    name: metadata.name,
    topologyKey: spec.topologyKey,
    shares: sharesOf(spec.allocationPolicy),
    bounded: spec.allocationPolicy.filter(({ max }) => max !== undefined).map(({ name }) => name),
    method: spec.allocationMethod,
    isRequired,
    waitsForNodes: (spec.whenUnavailable ?? (isRequired ? 'Wait' : 'Spill')) === 'Wait',
    countsRevisions: spec.allocationScope === 'Revision',
    rebalance: spec.rebalance,
    workload: spec.workload,
    selector,
    rank: rankOf(policy, selector),
    createdAt: metadata.creationTimestamp ?? '',
  }
}

/** A pod that names its policy, a policy that names its workload, a policy that selects by labels: in this order. */
function rankOf({ metadata, spec }: StoredPolicy, selector: LabelSelector | undefined): CompiledPolicy['rank'] {
  return (pod) => {
    if (pod.metadata.labels?.[workloadPolicyLabel] === metadata.name) return 0
    if (spec.workload && isOfWorkload(pod, spec.workload)) return 1
    return selector?.matches(pod.metadata.labels) ? 2 : undefined
  }
}

function selectorOf({ labelSelector: spec }: StoredPolicy['spec']): LabelSelector | undefined {
  try {
    return spec && labelSelector(spec)
  } catch (error) {
    // The API server takes no such selector; one from before its rules selects nothing.
    if (error instanceof SelectorError) return undefined
    throw error
  }
}

/**
 * The one policy that places a pod: the most direct one, of several the oldest, then the first by name. Pods of a DaemonSet
 * are for one node each, and are placed by none.
 */
export function policyOf(pod: Pod, policies: Iterable<CompiledPolicy>): CompiledPolicy | undefined {
  if (isOfDaemonSet(pod)) return undefined
  let best: { readonly policy: CompiledPolicy; readonly rank: number } | undefined
  for (const policy of policies) {
    const rank = policy.rank(pod)
    if (rank === undefined) continue
    if (best === undefined || rank < best.rank || (rank === best.rank && isBefore(policy, best.policy))) {
      best = { policy, rank }
    }
  }
  return best?.policy
}

/** Whether it decides where both mean a pod as directly. */
export function isBefore(a: CompiledPolicy, b: CompiledPolicy): boolean {
  return a.createdAt === b.createdAt ? a.name < b.name : a.createdAt < b.createdAt
}
