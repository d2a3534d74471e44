import type { WorkloadPolicySpec } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'

export type Workload = NonNullable<WorkloadPolicySpec['workload']>

/** Whether a pod is for one node. */
export const isOfDaemonSet = (pod: Pod): boolean => controllerOf(pod)?.kind === 'DaemonSet'

/** Who makes it anew. */
export const controllerOf = (pod: Pod) => pod.metadata.ownerReferences?.find(({ controller }) => controller)

/**
 * Whether a pod belongs to a workload. A Deployment's pods belong to its ReplicaSets, which are named after it and the hash
 * that their pods carry (pkg/controller/deployment/sync.go), so that no ReplicaSet has to be read.
 */
export function isOfWorkload(pod: Pod, { kind, name }: Workload): boolean {
  const owner = controllerOf(pod)
  if (kind !== 'Deployment') return owner?.kind === kind && owner.name === name
  const hash = pod.metadata.labels?.['pod-template-hash']
  return owner?.kind === 'ReplicaSet' && hash !== undefined && owner.name === `${name}-${hash}`
}

/**
 * Names what is rolled out together: a ReplicaSet or Job is one revision, a StatefulSet has several, told apart by a label.
 * Pods without a controller are one revision.
 */
export function revisionOf(pod: Pod): string {
  const owner = controllerOf(pod)
  return `${owner?.uid ?? ''}/${pod.metadata.labels?.['controller-revision-hash'] ?? ''}`
}
