import { leafScheduledCondition } from '@kosmos/api'
import { type Pod, timestamp } from '@kosmos/kube'
import { type Condition, type ConditionPatch, conditionOf } from './status-patch.ts'

/** The conditions that a kubelet owns, of which the leaf's is the only writer (upstream pkg/kubelet/types/pod_status.go). */
const leafOwned = new Set([
  'Ready',
  'ContainersReady',
  'Initialized',
  'PodReadyToStartContainers',
  'PodResizePending',
  'PodResizeInProgress',
  'AllContainersRestarting',
])

/** Whether a cluster's own components write a condition, each cluster's for itself. */
export function isOfCluster(type: string): boolean {
  return leafOwned.has(type) || type === 'PodScheduled' || type === 'DisruptionTarget'
}

/** The reason of a DisruptionTarget condition when somebody deleted the leaf pod and nobody said why. */
export const deletedInLeaf = 'DeletedInLeaf'

/**
 * The conditions to patch in the root: those of the leaf's kubelet that differ, and deletions of those that it took back.
 * Conditions of others (readiness gates, the root's own controllers) are not named, so the merge keeps them.
 */
export function reflectConditions(root: Pod, leaf: Pod, observedGeneration: number | undefined): ConditionPatch[] {
  const wanted = leafConditions(root, leaf).map((condition) => inRootsTerms(condition, observedGeneration))
  const changed: ConditionPatch[] = []
  for (const condition of wanted) {
    const present = conditionOf(root.status, condition.type)
    if (!sameCondition(present, condition)) changed.push(conditionPatch(present, condition))
  }
  for (const { type } of root.status?.conditions ?? []) {
    const ours = leafOwned.has(type) || type === leafScheduledCondition
    if (ours && !wanted.some((condition) => condition.type === type)) changed.push({ $patch: 'delete', type })
  }
  return changed
}

/** The merge goes into a condition as well: what the new one lacks has to be removed by name. */
export function conditionPatch(present: Condition | undefined, wanted: Condition): ConditionPatch {
  const removed = present ? explained.filter((field) => (present[field] ?? null) !== null) : []
  return { ...Object.fromEntries(removed.map((field) => [field, null])), ...wanted }
}

const explained = ['reason', 'message', 'lastTransitionTime'] as const

function leafConditions(root: Pod, leaf: Pod): Condition[] {
  const conditions = (leaf.status?.conditions ?? []).filter(({ type }) => leafOwned.has(type))
  const disruption = disruptionTarget(root, leaf)
  if (disruption) conditions.push(disruption)
  const scheduled = conditionOf(leaf.status, 'PodScheduled')
  // Under a name of its own: the root's PodScheduled stays True, since the pod is bound to the virtual node.
  if (scheduled?.status === 'False') conditions.push({ ...scheduled, type: leafScheduledCondition })
  const seen = scheduled?.status === 'True' ? scheduled.observedGeneration : undefined
  const said = conditionOf(root.status, 'PodScheduled')
  // A kubelet repeats what the scheduler said, for the generation that it has seen.
  if (seen !== undefined && said?.status === 'True') conditions.push({ ...said, observedGeneration: seen })
  return conditions
}

/**
 * DisruptionTarget is shared with the root (eviction API, taint eviction, preemption): the first cause stays, and nothing that
 * is absent in the leaf is taken back in the root. A leaf pod that goes while its root pod should stay is a disruption too.
 */
function disruptionTarget(root: Pod, leaf: Pod): Condition | undefined {
  if (conditionOf(root.status, 'DisruptionTarget')?.status === 'True') return undefined
  const reported = conditionOf(leaf.status, 'DisruptionTarget')
  if (reported?.status === 'True') return reported
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = leaf.metadata
  if (deletionTimestamp === undefined || root.metadata.deletionTimestamp !== undefined) return undefined
  return {
    type: 'DisruptionTarget',
    status: 'True',
    reason: deletedInLeaf,
    message: 'the pod was deleted in the leaf cluster, not in the root',
    lastTransitionTime: deletionRequestedAt(deletionTimestamp, deletionGracePeriodSeconds),
  }
}

/** A deletionTimestamp lies in the future, by the grace. */
function deletionRequestedAt(deletionTimestamp: string, graceSeconds: number): string {
  return timestamp(Date.parse(deletionTimestamp) - graceSeconds * 1000)
}

/** A condition counts generations of the leaf object; in the root it must count the root's. */
function inRootsTerms(
  { lastProbeTime, observedGeneration, ...condition }: Condition,
  rootGeneration: number | undefined,
) {
  const known = observedGeneration !== undefined && rootGeneration !== undefined
  return known ? { ...condition, observedGeneration: rootGeneration } : condition
}

/** Whether nothing is to be written to have a condition as wanted. */
export function sameCondition(present: Condition | undefined, wanted: Condition): boolean {
  if (present === undefined || present.status !== wanted.status) return false
  const { observedGeneration } = wanted
  if (observedGeneration !== undefined && observedGeneration !== present.observedGeneration) return false
  return explained.every((field) => (present[field] ?? null) === (wanted[field] ?? null))
}
