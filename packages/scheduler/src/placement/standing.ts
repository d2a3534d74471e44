import { placementGate, roomAtAnnotation, seatAnnotation } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'

/** Where a pod stands with its policy. */
export interface Standing {
  /** Undefined while it has no place, and when it is where the policy gives nothing. */
  readonly share: number | undefined
  /** The number of its seat, if it has one. */
  readonly number: number | undefined
  readonly isGated: boolean
  /** The values of the topology key that the pod asks for, or has its volumes at, while it is gated; undefined: any. */
  readonly asked: ReadonlySet<string> | undefined
  readonly isReady: boolean
}

export type NodeLabels = Readonly<Record<string, string>>

export function isGated({ spec }: Pod): boolean {
  return spec.schedulingGates?.some(({ name }) => name === placementGate) ?? false
}

/**
 * The gates of others in front of a pod that waits at ours as well. Whoever set them may still say where it goes, and when, so it
 * has no place before they are gone.
 */
export function gatesOfOthers(pod: Pod): string[] {
  const names = pod.spec.schedulingGates?.map(({ name }) => name) ?? []
  return isGated(pod) ? names.filter((name) => name !== placementGate) : []
}

/**
 * The node that a pod takes room on, as the API server holds it: its own, or while it is not bound the one where others are
 * preempted for it, or where there was room when its gate was opened. Undefined while it is gated: nothing is decided.
 */
export function nodeTakenBy(pod: Pod): string | undefined {
  const { metadata, spec, status } = pod
  if (spec.nodeName) return spec.nodeName
  if (isGated(pod)) return undefined
  return status?.nominatedNodeName || metadata.annotations?.[roomAtAnnotation]
}

/** Whether all of its containers have ended for good: it takes neither a seat nor room. */
export function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed'
}

/** Whether a pod takes a seat: one that has ended or is being deleted gives its seat to the next, and one at the gates of others asks for none yet. */
export function isCounted(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined && !hasEnded(pod) && gatesOfOthers(pod).length === 0
}

/**
 * Reads a pod's standing from the pod, as the API server holds it: its node if it has one, also when somebody bound it by
 * hand, else the place that it was given.
 * @param nodeLabels of the pod's node; undefined while that is not known: its pod may be told of first, or stay while it is made anew
 */
export function standingOf(
  pod: Pod,
  { topologyKey, shares }: CompiledPolicy,
  nodeLabels: NodeLabels | undefined,
): Omit<Standing, 'asked'> {
  const gated = isGated(pod)
  const value = (nodeLabels ?? pod.spec.nodeSelector)?.[topologyKey]
  const share = gated ? -1 : shares.findIndex(({ name }) => name === value)
  const number = Number(pod.metadata.annotations?.[seatAnnotation])
  return {
    share: share < 0 ? undefined : share,
    number: share >= 0 && Number.isSafeInteger(number) && number > 0 ? number : undefined,
    isGated: gated,
    isReady: pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
  }
}
