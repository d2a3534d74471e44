import { type KubeObject, type Pod, resource } from '@kosmos/kube'
import { Failure } from '../../terminal/failure.ts'

export interface PriorityClass extends KubeObject {
  readonly metadata: { readonly name: string }
  readonly value: number
  readonly globalDefault?: boolean
  readonly preemptionPolicy?: 'Never' | 'PreemptLowerPriority'
}

export const priorityClasses = resource<PriorityClass>(
  'scheduling.k8s.io/v1',
  'PriorityClass',
  'priorityclasses',
  'Cluster',
)

/**
 * The pod with its priority, as the admission of the API server gives it (plugin/pkg/admission/priority): of the class that it names, else of the
 * default one, of several the lowest. Pure.
 * @throws Failure for a class that is not there, with which the API server would refuse the pod
 */
export function withPriority(pod: Pod, classes: readonly PriorityClass[]): Pod {
  const { priorityClassName: name } = pod.spec as { readonly priorityClassName?: string }
  const defaults = classes.filter(({ globalDefault }) => globalDefault).sort((a, b) => a.value - b.value)
  const found = name ? classes.find(({ metadata }) => metadata.name === name) : defaults[0]
  if (name && found === undefined) {
    throw new Failure(`the root has no PriorityClass ${name}, so it would refuse the pods`, {
      next: 'kubectl get priorityclasses lists them',
    })
  }
  if (found === undefined) return { ...pod, spec: { ...pod.spec, priority: 0 } }
  const { metadata, value: priority, preemptionPolicy } = found
  const spec = { ...pod.spec, ...{ priorityClassName: metadata.name }, priority }
  return { ...pod, spec: { ...spec, ...(preemptionPolicy && { preemptionPolicy }) } }
}
