import { leafScheduledCondition, roomAtAnnotation, seatAnnotation } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import type { Offer } from '../placement/place.ts'
import { isGated } from '../placement/standing.ts'
import type { Hold } from './hold.ts'

/** A pod that has its place and no node in it. */
export interface Stuck {
  /** Whose scheduler finds none. */
  readonly by: 'leaf' | 'root'
  /** The words of that scheduler. */
  readonly words: string
}

/** Whether a scheduler behind us finds no node for a pod; undefined: it is not so. Pure. */
export function stuckAt(pod: Pod): Stuck | undefined {
  const { metadata, spec, status } = pod
  if (metadata.deletionTimestamp !== undefined || status?.phase !== 'Pending') return undefined
  if (spec.nodeName) {
    const words = wordsOf(pod, leafScheduledCondition)
    return words === undefined ? undefined : { by: 'leaf', words }
  }
  // While others are preempted for it, it has a node.
  if (!isPlaced(pod) || isGated(pod) || status.nominatedNodeName) return undefined
  const words = wordsOf(pod, 'PodScheduled')
  return words === undefined ? undefined : { by: 'root', words }
}

function wordsOf({ status }: Pod, condition: string): string | undefined {
  const scheduled = status?.conditions?.find(({ type }) => type === condition)
  const isRefused = scheduled?.status === 'False' && scheduled.reason === 'Unschedulable'
  return isRefused ? (scheduled.message ?? '') : undefined
}

/** What becomes of a pod that has been stuck long enough. `evict`: it is evicted, and its successor is placed anew. */
export type TakeBack = 'evict' | Stay

/** It stays where it is. */
export type Stay =
  | {
      /**
       * `hasNoOwner`: nobody would make it anew. `waitsForPlace`: its policy would have its successor wait for the same place.
       * `hasNoOtherPlace`: its successor would find no other node either.
       */
      readonly why: 'hasNoOwner' | 'waitsForPlace' | 'hasNoOtherPlace'
      readonly hold?: undefined
    }
  /** Another place would be none for its claim. */
  | { readonly why: 'hasClaim'; readonly hold: Hold }

/** What is known of the place that the successor of a pod would get. */
export interface SuccessorView {
  /** What that place has for it; undefined: every place is taken. */
  readonly offer: Offer | undefined
  /** Whether its policy has pods wait for their place. */
  readonly waitsForPlace: boolean
}

/**
 * Decides about a pod that is stuck and that {@link isPlaced | we have placed}. Pure.
 *
 * A pod in a leaf is in the way there, so it goes in any case. One that is still in the root is in nobody's way, and the stock
 * scheduler binds it as soon as it can: it goes only where its successor has a node.
 * @param hold of its claims
 */
export function takeBack(
  pod: Pod,
  { by }: Pick<Stuck, 'by'>,
  hold: Hold | undefined,
  successor: () => SuccessorView,
): TakeBack {
  if (!pod.metadata.ownerReferences?.some(({ controller }) => controller)) return { why: 'hasNoOwner' }
  if (hold) return { why: 'hasClaim', hold }
  if (by === 'leaf') return 'evict'
  const { offer, waitsForPlace } = successor()
  if (offer === 'room' || offer === 'byPreemption') return 'evict'
  return { why: waitsForPlace ? 'waitsForPlace' : 'hasNoOtherPlace' }
}

/** Whether it has its place from us; another pod is not ours to take back. Pure. */
export function isPlaced({ metadata }: Pod): boolean {
  const { [seatAnnotation]: seat, [roomAtAnnotation]: room } = metadata.annotations ?? {}
  return seat !== undefined || room !== undefined
}
