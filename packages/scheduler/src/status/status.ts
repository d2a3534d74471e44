import { isDeepStrictEqual } from 'node:util'
import {
  type NewCondition,
  type WorkloadPolicyConditionReason,
  type WorkloadPolicyStatus,
  withCondition,
  workloadPolicyCondition,
} from '@kosmos/api'
import type { Refusal } from '../nodes/refusals.ts'
import type { Group } from '../placement/group.ts'
import type { CompiledPolicy, StoredPolicy } from '../policies/compiled-policy.ts'
import { writtenRefusals } from './refusals.ts'

interface Count {
  readonly name: string
  readonly desired: number
  readonly assigned: number
  readonly ready: number
}

/** What became of the pods of a policy. */
export interface Findings {
  readonly groups: readonly Group[]
  readonly refusals: readonly Refusal[]
  /** Its values that no node has. */
  readonly absent: readonly string[]
  /** The name of the policy that has the pods of its workload; undefined: there is none. */
  readonly before: string | undefined
}

/** The status that a policy should have, or undefined if it has it. `now`: RFC 3339. Pure. */
export function statusOf(
  stored: StoredPolicy,
  policy: CompiledPolicy,
  findings: Findings,
  now: string,
): WorkloadPolicyStatus | undefined {
  const { groups, refusals } = findings
  const present = stored.status ?? {}
  const observedGeneration = stored.metadata.generation ?? 0
  const allocations = countsOf(policy, groups)
  const waiting = sum(groups.map((group) => group.waiting + group.held))
  const condition = { ...satisfied(policy, findings, allocations), observedGeneration }
  const wanted: WorkloadPolicyStatus = {
    observedGeneration,
    pods: sum(groups.map(({ size }) => size)),
    waiting,
    elsewhere: sum(groups.map(({ elsewhere }) => elsewhere)),
    allocations,
    // A merge patch leaves alone what it does not name, so the last one is taken away by an empty list.
    ...((refusals.length > 0 || present.refusals) && { refusals: writtenRefusals(refusals) }),
    conditions: [...withCondition(present.conditions ?? [], condition, now)],
  }
  return isDeepStrictEqual(present, wanted) ? undefined : wanted
}

/** What each share should have of the pods that there are, and has. Pure. */
export function countsOf({ shares }: CompiledPolicy, groups: readonly Group[]): Count[] {
  const desired = groups.map((group) => group.desired)
  return shares.map(({ name }, share) => ({
    name,
    desired: sum(desired.map((counts) => counts[share] ?? 0)),
    assigned: sum(groups.map(({ taken }) => taken[share] ?? 0)),
    ready: sum(groups.map(({ ready }) => ready[share] ?? 0)),
  }))
}

function satisfied(policy: CompiledPolicy, findings: Findings, counts: readonly Count[]): NewCondition {
  const { isRequired, rebalance, topologyKey } = policy
  const { groups, absent, before } = findings
  const unknown = absent.map((value) => `no node has ${topologyKey}=${value}`)
  const because = (reason: WorkloadPolicyConditionReason, ...details: string[]) =>
    workloadPolicyCondition(reason, details.length > 0 ? { detail: details.join(', ') } : {})
  if (groups.length === 0) {
    const names = before === undefined ? [] : [`WorkloadPolicy ${before} names the same workload and comes first`]
    return because('NoPods', ...names, ...unknown)
  }
  const waiting = groups.filter((group) => group.waiting > 0)
  if (waiting.some(({ isPlacing }) => isPlacing)) return because('Placing')
  if (waiting.length > 0) {
    const detail = `${sum(waiting.map((group) => group.waiting))} wait`
    return because(isRequired ? 'QuotaReached' : 'NoRoom', detail, ...unknown)
  }
  const held = sum(groups.map((group) => group.held))
  if (held > 0) return because('PlacesKept', `${held} wait`, ...unknown)
  const uneven = counts.filter(({ desired, assigned }) => desired !== assigned)
  if (uneven.length === 0) return because('AsAllocated')
  const missing = uneven.map(({ name, desired, assigned }) => `${name} has ${assigned} of ${desired}`)
  return because(rebalance ? 'Rebalancing' : 'Uneven', ...missing, ...unknown)
}

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)
