import type { Pod } from '@kosmos/kube'

/** The STATUS column of `kubectl get pods` (k8s.io/kubernetes, pkg/printers/internalversion, printPod). Pure. */
export function podStatus(pod: Pod): string {
  const { status = {}, metadata } = pod
  if (metadata.deletionTimestamp !== undefined) return status.reason === 'NodeLost' ? 'Unknown' : 'Terminating'
  const stateOf = (container: ContainerStatus) =>
    container.state?.waiting?.reason || container.state?.terminated?.reason || exitReason(container)
  const init = status.initContainerStatuses ?? []
  const blocking = init.find(
    ({ state, ready, started }) =>
      !(state?.terminated?.exitCode === 0 || (started && ready) || (started && state?.running)),
  )
  if (blocking !== undefined && status.phase === 'Pending') {
    const reason = stateOf(blocking)
    if (reason && reason !== 'PodInitializing') return `Init:${reason}`
    return `Init:${init.indexOf(blocking)}/${init.length}`
  }
  const reasons = (status.containerStatuses ?? []).map(stateOf).filter((reason) => reason !== undefined)
  const bad = reasons.find((reason) => reason !== 'Completed') ?? reasons[0]
  if (bad !== undefined && !(bad === 'Completed' && status.phase === 'Running')) return bad
  return status.reason || status.phase || 'Unknown'
}

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]

function exitReason({ state }: ContainerStatus): string | undefined {
  if (!state?.terminated) return undefined
  const { signal, exitCode } = state.terminated
  return signal ? `Signal:${signal}` : `ExitCode:${exitCode}`
}

/** Ready containers of all, as `1/2`. */
export function podReadiness(pod: Pod): string {
  const ready = pod.status?.containerStatuses?.filter((container) => container.ready).length ?? 0
  return `${ready}/${pod.spec.containers.length}`
}

export function podRestarts(pod: Pod): number {
  return pod.status?.containerStatuses?.reduce((sum, { restartCount }) => sum + restartCount, 0) ?? 0
}
