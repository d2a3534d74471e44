import { type ConditionTable, conditionFrom, type NewCondition } from '../schema/condition.ts'

/** Every condition of a DistributionPolicy or ClusterDistributionPolicy and every reason it can have. */
export const distributionPolicyConditions = {
  /** Whether the pods that it selects go by it, as far as policies of the same rank are concerned. */
  Effective: {
    AsWritten: { status: 'True', message: 'No other policy of the same rank says otherwise about its pods' },
    Contested: {
      status: 'False',
      message:
        'Another policy of the same rank says otherwise about pods that both can select, and decides about them, since it is older (or comes first by name); make the selectors of one of them narrower',
    },
  },
} as const satisfies ConditionTable

export type DistributionPolicyConditionReason = keyof (typeof distributionPolicyConditions)['Effective']

/** The condition Effective with the status and sentence of a reason. */
export function distributionPolicyCondition(
  reason: DistributionPolicyConditionReason,
  options: { readonly detail?: string; readonly observedGeneration?: number } = {},
): NewCondition {
  return conditionFrom(distributionPolicyConditions, 'Effective', reason, options)
}
