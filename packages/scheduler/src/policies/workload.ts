import type { WorkloadPolicySpec } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'

export type Workload = NonNullable<WorkloadPolicySpec['workload']>

/** Its kind may be one that no policy can name. */
export interface WorkloadName {
  readonly kind: string
  readonly name: string
}

/** Whether a pod is for one node. */
export const isOfDaemonSet = (pod: Pod): boolean => controllerOf(pod)?.kind === 'DaemonSet'

/** Who makes it anew. */
export const controllerOf = (pod: Pod) => pod.metadata.ownerReferences?.find(({ controller }) => controller)

/**
 * The workloads that a pod belongs to. A Deployment's pods belong to its ReplicaSets, which are named after it and the hash
 * that their pods carry (pkg/controller/deployment/sync.go), so that no ReplicaSet has to be read.
 */
export function workloadsOf(pod: Pod): WorkloadName[] {
  const { kind, name } = controllerOf(pod) ?? {}
  if (kind === undefined || name === undefined || kind === 'Deployment') return []
  const suffix = `-${pod.metadata.labels?.['pod-template-hash'] ?? '/'}`
  const isOfDeployment = kind === 'ReplicaSet' && name.endsWith(suffix)
  return [{ kind, name }, ...(isOfDeployment ? [{ kind: 'Deployment', name: name.slice(0, -suffix.length) }] : [])]
}

export function isOfWorkload(pod: Pod, workload: Workload): boolean {
  return workloadsOf(pod).some(({ kind, name }) => kind === workload.kind && name === workload.name)
}

/**
 * Names what is rolled out together: a ReplicaSet or Job is one revision, a StatefulSet has several, told apart by a label.
 * Pods without a controller are one revision.
 */
export function revisionOf(pod: Pod): string {
  const owner = controllerOf(pod)
  return `${owner?.uid ?? ''}/${pod.metadata.labels?.['controller-revision-hash'] ?? ''}`
}
