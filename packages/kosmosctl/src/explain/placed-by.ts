import {
  askedPlaceAnnotation,
  distributionPolicyAnnotation,
  roomAtAnnotation,
  seatAnnotation,
  workloadPolicyAnnotation,
} from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import { misnamed, misnamedText, type StoredPolicy } from '@kosmos/scheduler'

/**
 * Who has said where a pod is to be, a sentence each, as it is written on the pod. Pure.
 * @param policies of its namespace; undefined: they could not be read
 */
export function placedBy(
  { metadata, spec }: Pick<Pod, 'metadata' | 'spec'>,
  policies: readonly StoredPolicy[] | undefined,
): string[] {
  const {
    [workloadPolicyAnnotation]: policy,
    [seatAnnotation]: seat,
    [askedPlaceAnnotation]: asked,
    [roomAtAnnotation]: room,
    [distributionPolicyAnnotation]: distribution,
  } = metadata.annotations ?? {}
  const isPlaced = seat !== undefined || room !== undefined
  const place = Object.entries(spec.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`)
  const missing = policies && misnamedIn({ metadata }, policies)
  return [
    ...(seat === undefined ? [] : [`WorkloadPolicy ${policy} gave it seat ${seat}, at ${place.join(', ')}`]),
    ...(asked === undefined ? [] : [`it asked for ${asked} itself`]),
    ...(policy !== undefined && seat === undefined && isPlaced ? [`WorkloadPolicy ${policy} let it go anywhere`] : []),
    ...(room === undefined ? [] : [`${room} had room for it, and came first`]),
    ...(distribution === undefined ? [] : [`${distribution} says on which kind of nodes it may be`]),
    ...(isPlaced || distribution !== undefined || !spec.nodeName
      ? []
      : ['nothing of Kosmos: the stock scheduler, or whoever wrote its nodeName']),
    ...(missing === undefined ? [] : [`not by the policy that it names: ${missing}`]),
  ]
}

/** What is wrong with the policy that a pod names, as a clause; undefined: nothing. Pure. */
export function misnamedIn({ metadata }: Pick<Pod, 'metadata'>, policies: readonly StoredPolicy[]): string | undefined {
  const { namespace } = metadata
  const isThere = (name: string) =>
    policies.some((one) => one.metadata.namespace === namespace && one.metadata.name === name)
  const name = misnamed({ metadata }, isThere)
  return name && misnamedText(name, namespace)
}
