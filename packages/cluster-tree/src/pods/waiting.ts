import { isDeepStrictEqual } from 'node:util'
import type { Pod } from '@kosmos/kube'
import { type ContainerStatus, isTerminal, patchOf, type StatusPatch } from './status-patch.ts'

/** Why a root pod has no copy in the leaf yet. */
export interface Waiting {
  /** CamelCase; `kubectl get pods` shows it as the status. */
  readonly reason: string
  /** What is in the way, where, and what to do. Constant for one cause: a changed text is another write. */
  readonly message: string
}

/**
 * What to write to the status of a root pod without a copy, so that it says what it waits for: as the reason of the pod and of
 * each of its containers, as a kubelet's ContainerCreating looks. Undefined when it says so already, or when the pod is terminal.
 *
 * No startTime is set: that one proves that a copy has run.
 */
export function waitingStatus(root: Pod, { reason, message }: Waiting): StatusPatch | undefined {
  if (isTerminal(root.status)) return undefined
  const container = ({ name, image = '' }: { readonly name: string; readonly image?: string }): ContainerStatus => ({
    name,
    image,
    imageID: '',
    ready: false,
    started: false,
    restartCount: 0,
    state: { waiting: { reason, message } },
    lastState: {},
  })
  const { containers, initContainers } = root.spec
  const containerStatuses = containers.map(container)
  const initContainerStatuses = initContainers?.map(container)
  const { status = {} } = root
  return patchOf(root, {
    ...(status.reason !== reason && { reason }),
    ...(status.message !== message && { message }),
    ...(!isDeepStrictEqual(status.containerStatuses, containerStatuses) && { containerStatuses }),
    ...(initContainerStatuses &&
      !isDeepStrictEqual(status.initContainerStatuses, initContainerStatuses) && { initContainerStatuses }),
  })
}
