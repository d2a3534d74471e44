import { restartsAnnotation } from '@kosmos/api'
import { type Pod, timestamp } from '@kosmos/kube'
import { type ContainerStatus, conditionOf, isTerminal, patchOf, type StatusPatch } from '../status/status-patch.ts'
import { unknownEnd } from './failure.ts'

/** Waiting reason of a pod's containers between a disruption in the leaf and its next copy. */
const recreatedInLeaf = 'RecreatedInLeaf'

/**
 * What to write to the status of a root pod whose copy is disrupted and will be made again: its containers start once more, and it
 * is not Ready until they have. Undefined when it says so already, or when the pod is terminal.
 * @param now milliseconds since the epoch
 */
export function restartingStatus(root: Pod, now: number): StatusPatch | undefined {
  const { containerStatuses, initContainerStatuses } = root.status ?? {}
  // Whatever else it waits for by now.
  const haveRun = containerStatuses?.some(({ state }) => state?.running ?? state?.terminated)
  if (!containerStatuses || !haveRun || isTerminal(root.status)) return undefined
  const at = timestamp(now)
  const conditions = ['Ready', 'ContainersReady'].flatMap((type) => {
    if (conditionOf(root.status, type)?.status !== 'True') return []
    return [{ type, status: 'False', reason: 'ContainersNotReady', message: null, lastTransitionTime: at }]
  })
  return patchOf(root, {
    containerStatuses: containerStatuses.map((status) => again(status, at)),
    ...(initContainerStatuses && { initContainerStatuses: initContainerStatuses.map((status) => again(status, at)) }),
    ...(conditions.length > 0 && { conditions }),
  })
}

function again({ state, ...status }: ContainerStatus, finishedAt: string): ContainerStatus {
  const message = 'the pod was disrupted in the leaf cluster and is made again there'
  const waiting = { waiting: { reason: recreatedInLeaf, message } }
  const { running, terminated } = state ?? {}
  // One that never started does not start again.
  if (!running && !terminated) return { ...status, ready: false, started: false, state: waiting }
  const end = terminated ?? unknownEnd(running ?? {}, finishedAt)
  return {
    ...status,
    ready: false,
    started: false,
    restartCount: status.restartCount + 1,
    state: waiting,
    lastState: { terminated: end },
  }
}

/** The annotation that a copy gets, so that what it counts is added to what its predecessors have; none when it is the first. */
export function restartsOf(root: Pod): Readonly<Record<string, string>> {
  const { containerStatuses = [], initContainerStatuses = [] } = root.status ?? {}
  const counts = [...containerStatuses, ...initContainerStatuses].flatMap(({ name, restartCount }) =>
    restartCount > 0 ? [[name, restartCount]] : [],
  )
  return counts.length > 0 ? { [restartsAnnotation]: JSON.stringify(Object.fromEntries(counts)) } : {}
}

/** How often each container had started again before this copy; undefined for a first copy. */
export function restartsBefore(leaf: Pod): Readonly<Record<string, number>> | undefined {
  const json = leaf.metadata.annotations?.[restartsAnnotation]
  if (json === undefined) return undefined
  try {
    // Somebody in the leaf may have written anything there.
    const counts: unknown = JSON.parse(json)
    if (typeof counts !== 'object' || counts === null) return {}
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => Number.isInteger(count) && count >= 0))
  } catch {
    return {}
  }
}
