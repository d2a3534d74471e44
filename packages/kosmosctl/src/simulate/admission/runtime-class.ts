import { type KubeObject, type Pod, type PodSpec, resource } from '@kosmos/kube'
import { Failure } from '../../terminal/failure.ts'

export interface RuntimeClass extends KubeObject {
  readonly metadata: { readonly name: string }
  readonly overhead?: { readonly podFixed?: Readonly<Record<string, string>> }
  readonly scheduling?: {
    readonly nodeSelector?: Readonly<Record<string, string>>
    readonly tolerations?: NonNullable<PodSpec['tolerations']>
  }
}

export const runtimeClasses = resource<RuntimeClass>('node.k8s.io/v1', 'RuntimeClass', 'runtimeclasses', 'Cluster')

/**
 * The pod with what its RuntimeClass says: the overhead that counts as requested, and the nodes that have it, as the admission of the API
 * server gives them (plugin/pkg/admission/runtimeclass). Pure.
 * @throws Failure for a class that is not there, or contradicts the pod, with which the API server would refuse it
 */
export function withRuntimeClass(pod: Pod, classes: readonly RuntimeClass[]): Pod {
  const { runtimeClassName: name } = pod.spec as { readonly runtimeClassName?: string }
  if (!name) return pod
  const found = classes.find(({ metadata }) => metadata.name === name)
  if (found === undefined) {
    throw new Failure(`the root has no RuntimeClass ${name}, so it would refuse the pods`, {
      next: 'kubectl get runtimeclasses lists them',
    })
  }
  const { overhead, scheduling = {} } = found
  const { nodeSelector = {}, tolerations = [] } = pod.spec
  for (const [label, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    if (nodeSelector[label] === undefined || nodeSelector[label] === value) continue
    throw new Failure(
      `the RuntimeClass ${name} is for nodes with ${label}=${value}, and the nodeSelector of the pods asks for ${nodeSelector[label]}, so the root would refuse them`,
      { next: 'change their nodeSelector or their runtimeClassName' },
    )
  }
  const selector = { ...nodeSelector, ...scheduling.nodeSelector }
  const all = [...tolerations, ...(scheduling.tolerations ?? [])]
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(overhead?.podFixed && { overhead: overhead.podFixed }),
      ...(Object.keys(selector).length > 0 && { nodeSelector: selector }),
      ...(all.length > 0 && { tolerations: all }),
    },
  }
}
