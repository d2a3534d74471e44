import { type Client, type KubeObject, namespaces, type Pod } from '@kosmos/kube'
import { type PriorityClass, priorityClasses, withPriority } from './priority.ts'
import { type LimitRange, limitRanges, withRequests } from './requests.ts'
import { type RuntimeClass, runtimeClasses, withRuntimeClass } from './runtime-class.ts'
import { withToleration } from './toleration.ts'

/** What of a root says how its API server changes a pod of a namespace while it admits it. */
export interface Admission {
  readonly priorities: readonly PriorityClass[]
  readonly runtimes: readonly RuntimeClass[]
  readonly ranges: readonly LimitRange[]
  readonly namespace: KubeObject | undefined
}

export async function readAdmission(root: Client, namespace: string): Promise<Admission> {
  const [priorities, runtimes, ranges, found] = await Promise.all([
    root.listAll(priorityClasses),
    root.listAll(runtimeClasses),
    root.listAll(limitRanges, { namespace }),
    root.getMetadata(namespaces, { name: namespace }),
  ])
  return { priorities, runtimes, ranges, namespace: found }
}

/**
 * The pod as the API server would store it, as far as places depend on it and no webhook is involved. Pure.
 * @throws Failure for one that it would refuse
 */
export function admitted(pod: Pod, { priorities, runtimes, ranges, namespace }: Admission): Pod {
  const requesting = withRuntimeClass(withRequests(pod, ranges), runtimes)
  return withToleration(withPriority(requesting, priorities), namespace)
}
