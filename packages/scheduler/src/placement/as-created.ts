import { askedPlaceAnnotation, roomAtAnnotation, seatAnnotation, workloadPolicyAnnotation } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { isOfMaxima } from './maxima.ts'
import { unaimed } from './requirements.ts'

/** A pod with what its template asks for, as its successor would come: what its place has brought is not its own. Pure. */
export function asCreated(pod: Pod, policy: CompiledPolicy | undefined): Pod {
  const {
    [seatAnnotation]: seat,
    [roomAtAnnotation]: room,
    [askedPlaceAnnotation]: asked,
    [workloadPolicyAnnotation]: placedBy,
  } = pod.metadata.annotations ?? {}
  const isBeyond = policy !== undefined && seat === undefined && placedBy
  const spec = room === undefined ? pod.spec : unaimed(pod.spec, isBeyond ? isOfMaxima(policy) : undefined)
  const { [policy?.topologyKey ?? '']: place, ...nodeSelector } = spec.nodeSelector ?? {}
  const hasPlace = place !== undefined && seat !== undefined && asked !== place
  return { ...pod, spec: hasPlace ? { ...spec, nodeSelector } : spec }
}
