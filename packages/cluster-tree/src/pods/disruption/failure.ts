import { type Pod, timestamp } from '@kosmos/kube'
import { conditionPatch, deletedInLeaf } from '../status/conditions.ts'
import {
  type ConditionPatch,
  type ContainerStatus,
  conditionOf,
  isTerminal,
  patchOf,
  type StatusPatch,
} from '../status/status-patch.ts'

/**
 * What to write to the status of a root pod whose copy has run and is gone although nobody deleted the root pod: Failed with a
 * DisruptionTarget condition, so that ReplicaSets, Jobs and their podFailurePolicy act. Undefined when the pod is terminal.
 * @param now milliseconds since the epoch
 */
export function vanishedStatus(root: Pod, now: number): StatusPatch | undefined {
  if (isTerminal(root.status)) return undefined
  const disruption = conditionOf(root.status, 'DisruptionTarget')
  const known = disruption?.status === 'True' ? disruption : undefined
  const reason = known?.reason ?? deletedInLeaf
  const message = known?.message ?? 'the pod was removed from the leaf cluster, not by the root'
  const at = timestamp(now)
  const disrupted = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: at }
  return patchOf(root, {
    ...stopped(root, at),
    reason,
    message,
    conditions: [...notReady(root, at), ...(known ? [] : [conditionPatch(disruption, disrupted)])],
  })
}

/**
 * What to write to the status of a root pod that is being deleted, whose copy is gone, and which somebody keeps with a finalizer
 * in order to read how it ended (the Job controller does): Failed, as upstream's pod garbage collection does before it deletes.
 * Undefined when the pod is terminal.
 * @param now milliseconds since the epoch
 */
export function endedStatus(root: Pod, now: number): StatusPatch | undefined {
  if (isTerminal(root.status)) return undefined
  const at = timestamp(now)
  return patchOf(root, { ...stopped(root, at), conditions: notReady(root, at) })
}

function stopped(root: Pod, at: string): StatusPatch['status'] {
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = root.status ?? {}
  return {
    phase: 'Failed',
    ...(containerStatuses && { containerStatuses: containerStatuses.map((status) => lost(status, at)) }),
    ...(initContainerStatuses && { initContainerStatuses: initContainerStatuses.map((status) => lost(status, at)) }),
    ...(ephemeralContainerStatuses && {
      ephemeralContainerStatuses: ephemeralContainerStatuses.map((status) => lost(status, at)),
    }),
  }
}

function lost(status: ContainerStatus, finishedAt: string): ContainerStatus {
  const { running } = status.state ?? {}
  if (running === undefined) return { ...status, ready: false }
  const terminated = {
    ...unknownEnd(running, finishedAt),
    ...(status.containerID !== undefined && { containerID: status.containerID }),
  }
  return { ...status, ready: false, started: false, state: { terminated } }
}

function notReady(root: Pod, at: string): ConditionPatch[] {
  return ['Ready', 'ContainersReady'].flatMap((type) => {
    const present = conditionOf(root.status, type)
    if (present?.status !== 'True') return []
    return conditionPatch(present, { type, status: 'False', reason: 'PodFailed', lastTransitionTime: at })
  })
}

/** As a kubelet tells of a container that it no longer finds (upstream pkg/kubelet/kubelet_pods.go, convertToAPIContainerStatuses). */
export function unknownEnd({ startedAt }: { readonly startedAt?: string | undefined }, finishedAt: string) {
  return {
    exitCode: 137,
    reason: 'ContainerStatusUnknown',
    message: 'The container could not be located when the pod was deleted. The container used to be Running',
    ...(startedAt !== undefined && { startedAt }),
    finishedAt,
  }
}
