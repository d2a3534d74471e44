import type { Pod } from '@kosmos/kube'

/** Columns of `kubectl get pods`. */
export interface PodSummary {
  /** Ready containers of all, as `1/2`; sidecars count. */
  readonly ready: string
  readonly status: string
  readonly restarts: number
}

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]

/** What kubectl says of a pod (k8s.io/kubernetes, pkg/printers/internalversion, printPod). Pure. */
export function podSummary(pod: Pod): PodSummary {
  const { spec, status = {} } = pod
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name))
  const init = status.initContainerStatuses ?? []
  const own = status.containerStatuses ?? []
  const hasBegun = (one: ContainerStatus) => sidecars.has(one.name) && one.started === true
  const blocking = init.findIndex((one) => !hasEnded(one) && !hasBegun(one))
  const isInitialized = blocking < 0 || isTrue(pod, 'Initialized')
  // Behind the one that the others wait for, kubectl does not look.
  const seen = blocking < 0 ? init : init.slice(0, blocking + 1)
  const ready = [
    ...seen.filter((one) => !hasEnded(one) && hasBegun(one) && one.ready),
    ...(isInitialized ? own.filter(runs) : []),
  ]
  // While it begins, the restarts are those of what it begins with.
  const restarted = isInitialized ? [...seen.filter(({ name }) => sidecars.has(name)), ...own] : seen
  return {
    ready: `${ready.length}/${spec.containers.length + sidecars.size}`,
    status: statusOf(pod, blocking, isInitialized),
    restarts: restarted.reduce((sum, { restartCount }) => sum + restartCount, 0),
  }
}

const hasEnded = ({ state }: ContainerStatus): boolean => state?.terminated?.exitCode === 0

const isSidecar = ({ restartPolicy }: { readonly restartPolicy?: string }): boolean => restartPolicy === 'Always'

const runs = ({ ready, state }: ContainerStatus): boolean =>
  ready && state?.running !== undefined && !state.waiting?.reason && !state.terminated

function isTrue({ status }: Pod, condition: string): boolean {
  return status?.conditions?.some(({ type, status }) => type === condition && status === 'True') ?? false
}

function statusOf(pod: Pod, blocking: number, isInitialized: boolean): string {
  const { metadata, status = {} } = pod
  if (metadata.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') return 'Unknown'
    if (status.phase !== 'Succeeded' && status.phase !== 'Failed') return 'Terminating'
  }
  const isGated = status.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated')
  const general = isGated ? 'SchedulingGated' : status.reason || status.phase || 'Unknown'
  const whileInit = blocking < 0 ? general : `Init:${initState(pod, blocking)}`
  return isInitialized ? ofContainers(pod, whileInit) : whileInit
}

function initState({ spec, status }: Pod, blocking: number): string {
  const state = status?.initContainerStatuses?.[blocking]?.state
  const waiting = state?.waiting?.reason
  if (state?.terminated) return endOf(state.terminated)
  return waiting && waiting !== 'PodInitializing' ? waiting : `${blocking}/${spec.initContainers?.length ?? 0}`
}

/** The first container that has something to say counts, but "Completed" only if nothing else is to be said. */
function ofContainers(pod: Pod, otherwise: string): string {
  const own = pod.status?.containerStatuses ?? []
  const reasonOf = ({ state }: ContainerStatus) =>
    state?.waiting?.reason || (state?.terminated && endOf(state.terminated)) || undefined
  const reason = own.map(reasonOf).find((reason) => reason !== undefined) ?? otherwise
  if (reason !== 'Completed') return reason
  const isRunning = own.some(runs)
  if (isRunning && isTrue(pod, 'Ready')) return 'Running'
  const failed = own.find(({ state }) => !state?.waiting?.reason && (state?.terminated?.exitCode ?? 0) !== 0)
  if (failed) return reasonOf(failed) ?? reason
  return isRunning ? 'NotReady' : reason
}

type Terminated = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>

function endOf({ reason, signal, exitCode }: Terminated): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`)
}
