import { type ConditionTable, conditionFrom, type NewCondition } from '../schema/condition.ts'

/** Every condition of a ClusterLinkPolicy and every reason it can have. */
export const clusterLinkPolicyConditions = {
  /** Whether there are the clusters that it speaks of. */
  ClustersFound: {
    AllFound: { status: 'True', message: 'There is a linked cluster for every name' },
    NameUnknown: {
      status: 'False',
      message:
        'Names are those of no linked cluster, so nothing is allowed to them and nothing is kept from them; correct them, or link these clusters',
    },
    NoneSelected: {
      status: 'False',
      message: 'No linked cluster is selected by spec.clusters, so the policy changes nothing',
    },
  },
} as const satisfies ConditionTable

export type ClusterLinkPolicyConditionReason = keyof (typeof clusterLinkPolicyConditions)['ClustersFound']

/** The condition ClustersFound with the status and sentence of a reason. */
export function clusterLinkPolicyCondition(
  reason: ClusterLinkPolicyConditionReason,
  options: { readonly detail?: string; readonly observedGeneration?: number } = {},
): NewCondition {
  return conditionFrom(clusterLinkPolicyConditions, 'ClustersFound', reason, options)
}
