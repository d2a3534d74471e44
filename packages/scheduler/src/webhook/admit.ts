import { originalSchedulerName, placementGate } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import { isGated } from '../placement/standing.ts'
import { isOfDaemonSet } from '../policies/workload.ts'

/** What is known about policies and namespaces when a pod is admitted. */
export interface AdmissionView {
  /** Whether the pod is to wait for its place. */
  readonly waits: (pod: Pod) => boolean
  /** Whether the pods of a namespace tolerate virtual nodes without saying so. */
  readonly toleratesVirtualNodes: (namespace: string) => boolean
}

/** One step of a JSON patch (RFC 6902). */
export interface PatchStep {
  readonly op: 'add' | 'replace'
  readonly path: string
  readonly value: unknown
}

/** What a new pod gets, as the policies of deploy/admission.yaml give it where a root has their kind. Pure. */
export function admit(pod: Pod, { waits, toleratesVirtualNodes }: AdmissionView): PatchStep[] {
  const { metadata, spec } = pod
  const steps: PatchStep[] = []
  if (!spec.nodeName && !isOfDaemonSet(pod) && !isGated(pod) && waits(pod)) {
    steps.push(append('/spec/schedulingGates', spec.schedulingGates, { name: placementGate }))
  }
  if (toleratesVirtualNodes(metadata.namespace) && !isOfDaemonSet(pod) && !spec.tolerations?.some(isToleration)) {
    steps.push(append('/spec/tolerations', spec.tolerations, toleration))
  }
  if (spec.schedulerName === originalSchedulerName) {
    steps.push({ op: 'replace', path: '/spec/schedulerName', value: 'default-scheduler' })
  }
  return steps
}

const toleration = { key: 'kosmos.io/node', operator: 'Exists' } as const

const isToleration = ({ key, operator, effect }: NonNullable<Pod['spec']['tolerations']>[number]): boolean =>
  key === toleration.key && operator === toleration.operator && effect === undefined

const append = (path: string, list: readonly unknown[] | undefined, value: unknown): PatchStep =>
  list && list.length > 0 ? { op: 'add', path: `${path}/-`, value } : { op: 'add', path, value: [value] }
