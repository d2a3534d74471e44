import {
  askedPlaceAnnotation,
  distributionPolicyAnnotation,
  roomAtAnnotation,
  seatAnnotation,
  workloadPolicyAnnotation,
} from '@kosmos/api'
import type { Pod } from '@kosmos/kube'

/** Who has said where a pod is to be, a sentence each, as it is written on the pod. Pure. */
export function placedBy({ metadata, spec }: Pick<Pod, 'metadata' | 'spec'>): string[] {
  const {
    [workloadPolicyAnnotation]: policy,
    [seatAnnotation]: seat,
    [askedPlaceAnnotation]: asked,
    [roomAtAnnotation]: room,
    [distributionPolicyAnnotation]: distribution,
  } = metadata.annotations ?? {}
  const isPlaced = seat !== undefined || room !== undefined
  const place = Object.entries(spec.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`)
  return [
    ...(seat === undefined ? [] : [`WorkloadPolicy ${policy} gave it seat ${seat}, at ${place.join(', ')}`]),
    ...(asked === undefined ? [] : [`it asked for ${asked} itself`]),
    ...(policy !== undefined && seat === undefined && isPlaced ? [`WorkloadPolicy ${policy} let it go anywhere`] : []),
    ...(room === undefined ? [] : [`${room} had room for it, and came first`]),
    ...(distribution === undefined ? [] : [`${distribution} says on which kind of nodes it may be`]),
    ...(isPlaced || distribution !== undefined || !spec.nodeName
      ? []
      : ['nothing of Kosmos: the stock scheduler, or whoever wrote its nodeName']),
  ]
}
