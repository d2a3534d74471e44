import { type ConditionTable, conditionFrom, type NewCondition } from '../schema/condition.ts'

/** Every condition of a WorkloadPolicy and every reason it can have. Nothing else writes conditions. */
export const workloadPolicyConditions = {
  /** Whether the pods are where the policy wants them. */
  Satisfied: {
    AsAllocated: { status: 'True', message: 'Every pod has the place that the policy gives it' },
    NoPods: {
      status: 'True',
      message:
        'It places no pod now. If there should be some, see whether workload or labelSelector names them, and whether another policy has them, which comes first if it names the workload, or is older',
    },
    QuotaReached: {
      status: 'False',
      message:
        'There are more pods than places; raise replicas or max of an allocation, or set allocationType to Preferred',
    },
    PlacesKept: {
      status: 'False',
      message:
        'Pods wait in front of their place because no Ready node there takes them (taints, selectors) and has room for them, inside the leaf as well, or a scheduler has lately found none for such pods (refusals); see their Events. Let them tolerate the taint of virtual nodes, make room, or set whenUnavailable to Spill',
    },
    NoRoom: {
      status: 'False',
      message:
        'Pods beyond the allocations may go anywhere and wait, because no single Ready node has room for them, inside leaves as well; see their Events. Make room',
    },
    Placing: { status: 'False', message: 'Pods are being given their places' },
    Rebalancing: {
      status: 'False',
      message:
        'Pods are elsewhere than the policy would put them now; those for which there is room where they belong are moved, no more than rebalance.maxUnavailable at once, as PodDisruptionBudgets allow',
    },
    Uneven: {
      status: 'False',
      message:
        'Pods are elsewhere than the policy would put them now; without rebalance it moves none: delete some and they come back where they belong',
    },
  },
} as const satisfies ConditionTable

export type WorkloadPolicyConditionReason = keyof (typeof workloadPolicyConditions)['Satisfied']

/** The condition Satisfied with the status and sentence of a reason. */
export function workloadPolicyCondition(
  reason: WorkloadPolicyConditionReason,
  options: { readonly detail?: string; readonly observedGeneration?: number } = {},
): NewCondition {
  return conditionFrom(workloadPolicyConditions, 'Satisfied', reason, options)
}
