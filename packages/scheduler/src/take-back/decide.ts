import { leafScheduledCondition, roomAtAnnotation, seatAnnotation } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'

/** The words of a leaf's scheduler that finds no node for a pod, which the root had bound; undefined: it is not so. */
export function stuckInLeaf({ metadata, spec, status }: Pod): string | undefined {
  if (!spec.nodeName || metadata.deletionTimestamp !== undefined || status?.phase !== 'Pending') return undefined
  const scheduled = status.conditions?.find(({ type }) => type === leafScheduledCondition)
  const isStuck = scheduled?.status === 'False' && scheduled.reason === 'Unschedulable'
  return isStuck ? (scheduled.message ?? '') : undefined
}

/** What becomes of a pod that has been stuck in its leaf long enough. */
export type TakeBack =
  /** It is evicted, and its successor is placed anew. */
  | 'evict'
  /** Nobody would make it anew. */
  | 'hasNoOwner'
  /** Its volumes are where they are; another place would be none. */
  | 'hasVolumes'

/** Decides about a pod that is stuck; undefined: we did not place it, so it is not ours to take back. Pure. */
export function takeBack({ metadata, spec }: Pod): TakeBack | undefined {
  const { [seatAnnotation]: seat, [roomAtAnnotation]: room } = metadata.annotations ?? {}
  if (seat === undefined && room === undefined) return undefined
  if (!metadata.ownerReferences?.some(({ controller }) => controller)) return 'hasNoOwner'
  if (spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim)) return 'hasVolumes'
  return 'evict'
}
