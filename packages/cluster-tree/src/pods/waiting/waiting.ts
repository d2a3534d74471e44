import { isDeepStrictEqual } from 'node:util'
import type { Pod } from '@kosmos/kube'
import { conditionPatch } from '../status/conditions.ts'
import {
  type ConditionPatch,
  type ContainerStatus,
  conditionOf,
  isTerminal,
  patchOf,
  type StatusPatch,
} from '../status/status-patch.ts'

/** Why a root pod has no copy in the leaf yet. */
export interface Waiting {
  /** CamelCase; `kubectl get pods` shows it as the status. */
  readonly reason: string
  /** What is in the way, where, and what to do. Constant for one cause: a changed text is another write. */
  readonly message: string
}

/**
 * What to write to the status of a root pod without a copy, so that it says what it waits for: as the reason of the pod and of
 * each of its containers, and as conditions, as a kubelet's ContainerCreating looks. Undefined when it says so already, or when the pod
 * is terminal.
 *
 * No startTime is set: that one proves that a copy has run.
 */
export function waitingStatus(root: Pod, { reason, message }: Waiting): StatusPatch | undefined {
  if (isTerminal(root.status)) return undefined
  const { containers, initContainers } = root.spec
  const { status = {} } = root
  const known = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]
  const present = (name: string) => known.find((status) => status.name === name)
  const container = ({ name, image = '' }: { readonly name: string; readonly image?: string }): ContainerStatus => ({
    name,
    image,
    imageID: '',
    ready: false,
    started: false,
    // Of earlier copies, where the Cluster has disrupted pods made again.
    restartCount: present(name)?.restartCount ?? 0,
    state: { waiting: { reason, message } },
    lastState: present(name)?.lastState ?? {},
  })
  const containerStatuses = containers.map(container)
  const initContainerStatuses = initContainers?.map(container)
  const conditions = notReady(root)
  return patchOf(root, {
    ...(status.reason !== reason && { reason }),
    ...(status.message !== message && { message }),
    ...(!isDeepStrictEqual(status.containerStatuses, containerStatuses) && { containerStatuses }),
    ...(initContainerStatuses &&
      !isDeepStrictEqual(status.initContainerStatuses, initContainerStatuses) && { initContainerStatuses }),
    ...(conditions.length > 0 && { conditions }),
  })
}

/** It has not been ready since it was bound. */
function notReady({ metadata, spec, status }: Pod): readonly ConditionPatch[] {
  const lastTransitionTime = conditionOf(status, 'PodScheduled')?.lastTransitionTime ?? metadata.creationTimestamp
  const message = `containers with unready status: [${spec.containers.map(({ name }) => name).join(' ')}]`
  const condition = {
    status: 'False',
    reason: 'ContainersNotReady',
    message,
    ...(lastTransitionTime && { lastTransitionTime }),
  }
  return ['Ready', 'ContainersReady'].flatMap((type) => {
    const present = conditionOf(status, type)
    return present?.status === 'False' ? [] : [conditionPatch(present, { type, ...condition })]
  })
}
