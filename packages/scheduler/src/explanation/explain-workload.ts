import type { Allocation } from '@kosmos/api'
import { keyOf, type ObjectKey, type Pod } from '@kosmos/kube'
import type { Refusal } from '../nodes/refusals.ts'
import type { Group } from '../placement/group.ts'
import type { Offer } from '../placement/place.ts'
import { gatesOfOthers, isCounted, isGated } from '../placement/standing.ts'
import type { Decision, PlacementState } from '../placement/state.ts'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { isOfWorkload, type Workload } from '../policies/workload.ts'
import type { Rebalance } from '../rebalance/decide.ts'
import { stateOf, type World, whyWaiting } from '../simulation.ts'
import { countsOf } from '../status/status.ts'

/** What one value of the topology key was asked to have, and has. */
export interface ShareExplanation {
  readonly name: string
  readonly asked: Allocation
  /** How many of the pods that there are belong here. */
  readonly desired: number
  readonly assigned: number
  readonly ready: number
  /** Belong here and are elsewhere, or wait. */
  readonly missing: number
  /** What it has for one more of these pods now; undefined: there is no pod to ask for, and a node has the value. */
  readonly offer: Offer | undefined
}

export interface WorkloadExplanation {
  readonly policy: CompiledPolicy
  /** Pods of the workload, and of others that the policy counts together with them. */
  readonly pods: number
  readonly others: number
  /** Pods of the workload beside these, which get their places when the scheduling gates of others are gone. */
  readonly atOtherGates: number
  /** Where no share is. */
  readonly elsewhere: number
  readonly shares: readonly ShareExplanation[]
  /** What is decided now about each pod of the workload that waits, by the function that decides in the scheduler. */
  readonly waiting: readonly Decision[]
  readonly refusals: readonly Refusal[]
  /** Which pod is moved next to where it belongs, or why none is. */
  readonly rebalance: Rebalance
}

export interface WorkloadRef {
  readonly kind: Workload['kind']
  readonly namespace: string
  readonly name: string
}

/**
 * What shares a workload was asked to have, what it has, and what is in the way; undefined: no WorkloadPolicy places it. Its
 * pods say which policy does; while there are none, the policy that names it.
 */
export function explainWorkload(world: World, workload: WorkloadRef): WorkloadExplanation | undefined {
  const all = world.pods.filter((pod) => isOf(pod, workload))
  const pods = all.filter(isCounted)
  const others = all.filter((pod) => gatesOfOthers(pod).length > 0 && pod.metadata.deletionTimestamp === undefined)
  const state = stateOf(world)
  const policy = policyFor(state, [...pods, ...others], workload)
  if (policy === undefined) return undefined
  const groups = [...new Set(pods.flatMap((pod) => groupOf(state, keyOf(pod), policy)))]
  const counts = countsOf(policy, groups)
  const allocations = state.policies.get(policy.key)?.stored.spec.allocationPolicy ?? []
  const absent = state.absentOf(policy)
  const decisions = whyWaiting(world)
  const byKey = new Map(world.pods.map((pod) => [keyOf(pod), pod]))
  const waiting = pods.filter(isGated).flatMap((pod) => decisions.get(keyOf(pod)) ?? [])
  return {
    policy,
    pods: pods.length,
    others: groups.reduce((sum, { size }) => sum + size, 0) - pods.length,
    atOtherGates: others.length,
    elsewhere: groups.reduce((sum, { elsewhere }) => sum + elsewhere, 0),
    shares: allocations.map((asked, share) => {
      const { desired, assigned, ready } = counts[share] ?? { desired: 0, assigned: 0, ready: 0 }
      const missing = Math.max(desired - assigned, 0)
      const isAbsent = absent.includes(asked.name)
      const offer = isAbsent ? 'noValue' : pods[0] && state.offerAt(pods[0], policy, share)
      return { name: asked.name, asked, desired, assigned, ready, missing, offer }
    }),
    waiting,
    refusals: state.vacancies.refusals.of(policy.key),
    rebalance: state.rebalance(policy, (key) => byKey.get(key)),
  }
}

const isOf = (pod: Pod, { namespace, ...workload }: WorkloadRef): boolean =>
  pod.metadata.namespace === namespace && isOfWorkload(pod, workload)

function policyFor(state: PlacementState, pods: readonly Pod[], { namespace, ...workload }: WorkloadRef) {
  for (const pod of pods) {
    const policy = state.policies.of(pod)
    if (policy) return policy
  }
  if (pods.length > 0) return undefined
  return state.policies.naming(namespace, workload)[0]
}

function groupOf(state: PlacementState, key: ObjectKey, policy: CompiledPolicy): Group[] {
  const member = state.ledger.membership(key)
  return member?.policy === policy ? [member.group] : []
}
