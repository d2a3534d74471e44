import { isDeepStrictEqual } from 'node:util'
import {
  type NewCondition,
  type WorkloadPolicyConditionReason,
  type WorkloadPolicyStatus,
  withCondition,
  workloadPolicyCondition,
} from '@kosmos/api'
import type { Group } from '../placement/group.ts'
import type { CompiledPolicy, StoredPolicy } from '../policies/compiled-policy.ts'
import { allot } from '../seats/seats.ts'

interface Count {
  readonly name: string
  readonly desired: number
  readonly assigned: number
  readonly ready: number
}

/** The status that a policy should have, or undefined if it has it. `now`: RFC 3339. Pure. */
export function statusOf(
  stored: StoredPolicy,
  policy: CompiledPolicy,
  groups: readonly Group[],
  now: string,
): WorkloadPolicyStatus | undefined {
  const present = stored.status ?? {}
  const observedGeneration = stored.metadata.generation ?? 0
  const allocations = countsOf(policy, groups)
  const waiting = groups.reduce((sum, { gated }) => sum + gated.size, 0)
  const condition = { ...satisfied(policy, groups, allocations), observedGeneration }
  const wanted: WorkloadPolicyStatus = {
    observedGeneration,
    pods: groups.reduce((sum, { size }) => sum + size, 0),
    waiting,
    elsewhere: groups.reduce((sum, { elsewhere }) => sum + elsewhere, 0),
    allocations,
    conditions: [...withCondition(present.conditions ?? [], condition, now)],
  }
  return isDeepStrictEqual(present, wanted) ? undefined : wanted
}

function countsOf(policy: CompiledPolicy, groups: readonly Group[]): Count[] {
  const desired = groups.map(({ size }) => allot(policy.shares, policy.method, size))
  return policy.shares.map(({ name }, share) => ({
    name,
    desired: desired.reduce((sum, counts) => sum + (counts[share] ?? 0), 0),
    assigned: groups.reduce((sum, { taken }) => sum + (taken[share] ?? 0), 0),
    ready: groups.reduce((sum, { ready }) => sum + (ready[share] ?? 0), 0),
  }))
}

function satisfied(policy: CompiledPolicy, groups: readonly Group[], counts: readonly Count[]): NewCondition {
  const because = (reason: WorkloadPolicyConditionReason, detail?: string) =>
    workloadPolicyCondition(reason, detail === undefined ? {} : { detail })
  const waiting = groups.filter(({ gated }) => gated.size > 0)
  if (waiting.some((group) => !isFull(policy, group))) return because('Placing')
  if (waiting.length > 0) return because('QuotaReached', `${sum(waiting.map(({ gated }) => gated.size))} wait`)
  const uneven = counts.filter(({ desired, assigned }) => desired !== assigned)
  if (uneven.length === 0) return because('AsAllocated')
  return because(
    'Uneven',
    uneven.map(({ name, desired, assigned }) => `${name} has ${assigned} of ${desired}`).join(', '),
  )
}

const isFull = ({ shares }: CompiledPolicy, { taken }: Group): boolean =>
  shares.every(({ max }, share) => (taken[share] ?? 0) >= max)

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)
