import { type Client, isForbidden, type Namespace, namespaces, type Pod } from '@kosmos/kube'
import { type Reading, readAll, type Unread } from '../../placement/reading.ts'
import { type PriorityClass, priorityClasses, withPriority } from './priority.ts'
import { type LimitRange, limitRanges, withRequests } from './requests.ts'
import { type RuntimeClass, runtimeClasses, withRuntimeClass } from './runtime-class.ts'
import { withToleration } from './toleration.ts'

/** What of a root says how its API server changes a pod of a namespace while it admits it. */
export interface Admission {
  /** Undefined: they may not be read. */
  readonly priorities: readonly PriorityClass[] | undefined
  readonly runtimes: readonly RuntimeClass[] | undefined
  readonly ranges: readonly LimitRange[]
  readonly namespace: Namespace | undefined
}

/** @returns as well what of it may not be read */
export async function readAdmission(root: Client, namespace: string): Promise<Admission & { unread: Unread[] }> {
  const [priorities, runtimes, ranges, found] = await Promise.all([
    readAll(root, priorityClasses),
    readAll(root, runtimeClasses),
    readAll(root, limitRanges, { namespace }),
    readLabels(root, namespace),
  ])
  return {
    priorities: priorities.unread ? undefined : priorities.items,
    runtimes: runtimes.unread ? undefined : runtimes.items,
    ranges: ranges.items.filter(({ metadata }) => metadata?.namespace === namespace),
    namespace: found.items[0],
    unread: [priorities, runtimes, ranges, found].flatMap(({ unread }) => (unread?.isOfOthers ? [] : (unread ?? []))),
  }
}

async function readLabels(root: Client, name: string): Promise<Reading<Namespace>> {
  try {
    const found = await root.get(namespaces, { name })
    return { items: found ? [found] : [] }
  } catch (error) {
    if (!isForbidden(error)) throw error
    const why = error.status.message ?? error.message
    return { items: [], unread: { what: `labels of namespace ${name}`, why, isOfOthers: false } }
  }
}

/**
 * The pod as the API server would store it, as far as places depend on it and no webhook is involved. Pure.
 * @throws Failure for one that it would refuse
 */
export function admitted(pod: Pod, { priorities, runtimes, ranges, namespace }: Admission): Pod {
  const requesting = withRequests(pod, ranges)
  const running = runtimes ? withRuntimeClass(requesting, runtimes) : requesting
  return withToleration(priorities ? withPriority(running, priorities) : running, namespace)
}
