/** Places pods by policies, in front of the stock kube-scheduler. */
export type { StoredDistribution } from './distributions/compiled-distribution.ts'
export { clusterDistributionPolicies, distributionPolicies } from './distributions/resource.ts'
export { explainNodes, type NodesExplanation } from './explanation/explain-nodes.ts'
export {
  explainWorkload,
  type ShareExplanation,
  type WorkloadExplanation,
} from './explanation/explain-workload.ts'
export type { Objection, Rule } from './explanation/objections.ts'
export { misnamed, misnamedText } from './misnamed/misnamed.ts'
export type { Candidate } from './nodes/candidates.ts'
export { openPatch } from './placement/patch.ts'
export type { Obstacle, Offer } from './placement/place.ts'
export { gatesOfOthers, isGated } from './placement/standing.ts'
export { type Decision, PlacementState } from './placement/state.ts'
export { type CompiledPolicy, compilePolicy, type StoredPolicy } from './policies/compiled-policy.ts'
export { workloadPolicies } from './policies/resource.ts'
export { isOfWorkload } from './policies/workload.ts'
export { Scheduler, type SchedulerOptions } from './scheduler.ts'
export {
  becomesOf,
  candidatesOf,
  type Foreseen,
  simulate,
  type WhyWaiting,
  type World,
  whyWaiting,
  without,
} from './simulation.ts'
export { stuckAt } from './take-back/decide.ts'
export { holdIn } from './take-back/hold.ts'
export { whyItStays } from './take-back/reasons.ts'
export { claimsOf, readClaims, type SeenClaim } from './volumes/claims.ts'
export { type Reach, reachOf } from './volumes/reach.ts'
export { tolerating } from './webhook/admit.ts'
