import { originalSchedulerName, placementGate } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import { isGated } from '../placement/standing.ts'
import { isOfDaemonSet } from '../policies/workload.ts'

/** What an API server asks for when it asks: it has decided by the conditions of the configuration that the pod is to get it. */
export const questions = ['wait', 'tolerate-virtual-nodes', 'stock-scheduler'] as const
export type Question = (typeof questions)[number]

/** One step of a JSON patch (RFC 6902). */
export interface PatchStep {
  readonly op: 'add' | 'replace'
  readonly path: string
  readonly value: unknown
}

/**
 * What a new pod gets, as the policies of deploy/admission.yaml give it where a root has their kind. Pure, and of the pod alone: a
 * replica that has not heard of a policy yet answers as those that have.
 */
export function admit(pod: Pod, question: Question): PatchStep[] {
  return answers[question](pod)
}

const answers: Readonly<Record<Question, (pod: Pod) => PatchStep[]>> = {
  wait: (pod) => {
    const { nodeName, schedulingGates } = pod.spec
    if (nodeName || isOfDaemonSet(pod) || isGated(pod)) return []
    return [append('/spec/schedulingGates', schedulingGates, { name: placementGate })]
  },
  'tolerate-virtual-nodes': (pod) =>
    needsToleration(pod) ? [append('/spec/tolerations', pod.spec.tolerations, toleration)] : [],
  'stock-scheduler': ({ spec }) =>
    spec.schedulerName === originalSchedulerName
      ? [{ op: 'replace', path: '/spec/schedulerName', value: 'default-scheduler' }]
      : [],
}

const toleration = { key: 'kosmos.io/node', operator: 'Exists' } as const

const isToleration = ({ key, operator, effect }: NonNullable<Pod['spec']['tolerations']>[number]): boolean =>
  key === toleration.key && operator === toleration.operator && effect === undefined

const needsToleration = (pod: Pod): boolean => !isOfDaemonSet(pod) && !pod.spec.tolerations?.some(isToleration)

/** The pod as it is admitted in a namespace whose label says that its pods tolerate virtual nodes. Pure. */
export const tolerating = (pod: Pod): Pod =>
  needsToleration(pod)
    ? { ...pod, spec: { ...pod.spec, tolerations: [...(pod.spec.tolerations ?? []), toleration] } }
    : pod

const append = (path: string, list: readonly unknown[] | undefined, value: unknown): PatchStep =>
  list && list.length > 0 ? { op: 'add', path: `${path}/-`, value } : { op: 'add', path, value: [value] }
