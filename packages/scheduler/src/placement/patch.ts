import {
  askedPlaceAnnotation,
  deletionCostAnnotation,
  distributionPolicyAnnotation,
  placementGate,
  podDeletionCostAnnotation,
  roomAtAnnotation,
  seatAnnotation,
  workloadPolicyAnnotation,
} from '@kosmos/api'
import type { Pod } from '@kosmos/kube'
import type { Distribution } from '../distributions/compiled-distribution.ts'
import { constrained } from '../distributions/constraints.ts'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { type Seat, seatsBefore } from '../seats/seats.ts'
import type { Aim } from './aim.ts'
import { belowMaxima } from './maxima.ts'
import { aimed } from './requirements.ts'

const openGate = { schedulingGates: [{ $patch: 'delete', name: placementGate }] }

/** What a place brings with it, beside its value of the topology key. */
export interface PlaceExtras {
  /** Where it has room, and how it is kept there. */
  readonly aim?: Aim | undefined
  /** What kind of nodes it may be on. */
  readonly distribution?: Distribution | undefined
}

/**
 * A strategic merge patch that gives a pod its seat and opens its gate, for this incarnation only. The API server takes the
 * nodeSelector as long as the pod is gated (KEP-3838), so a decision that comes too late changes nothing.
 */
export function seatPatch(pod: Pod, policy: CompiledPolicy, seat: Seat, extras: PlaceExtras = {}): object {
  const value = policy.shares[seat.share]?.name ?? ''
  const asked = pod.spec.nodeSelector?.[policy.topologyKey]
  return {
    metadata: {
      uid: pod.metadata.uid,
      annotations: {
        [workloadPolicyAnnotation]: policy.name,
        [seatAnnotation]: String(seat.number),
        ...(asked !== undefined && { [askedPlaceAnnotation]: asked }),
        ...marks(extras),
        ...orderOf(pod, deletionCost(policy, seat)),
      },
    },
    spec: { ...openGate, nodeSelector: { [policy.topologyKey]: value }, ...constraints(pod, extras) },
  }
}

/** Opens the gate of a pod that has no place by a share, which is given up first; `policy` is missing when none selects it. */
export function openPatch(pod: Pod, policy: CompiledPolicy | undefined, extras: PlaceExtras = {}): object {
  const annotations = {
    ...(policy && { [workloadPolicyAnnotation]: policy.name, ...orderOf(pod, BEYOND_ALL_SEATS) }),
    ...marks(extras),
  }
  const { uid } = pod.metadata
  return {
    metadata: { uid, ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: { ...openGate, ...constraints(pod, extras, policy) },
  }
}

/** A cost of the user's own stays. */
const orderOf = ({ metadata }: Pod, cost: string) =>
  metadata.annotations?.[podDeletionCostAnnotation] === undefined && costOf(cost)

/** The second says that the first is ours. */
const costOf = (cost: string) => ({ [podDeletionCostAnnotation]: cost, [deletionCostAnnotation]: cost })

/** Lower than that of any seat, of which a policy has 100 times 1,000,000 at most. */
const BEYOND_ALL_SEATS = '-1000000000'

const marks = ({ aim, distribution }: PlaceExtras) => ({
  ...(aim && { [roomAtAnnotation]: aim.node }),
  ...(distribution && {
    [distributionPolicyAnnotation]: `${distribution.kind} ${distribution.policy}, term ${distribution.term}`,
  }),
})

/** Lists that a merge would replace are sent whole. */
function constraints(pod: Pod, { aim, distribution }: PlaceExtras, beyond?: CompiledPolicy) {
  const bound = belowMaxima(distribution ? constrained(pod, distribution.constraints) : pod, beyond)
  const { affinity, tolerations } = aim ? aimed(bound.spec, aim) : bound.spec
  const { requiredDuringSchedulingIgnoredDuringExecution: required, ...own } = affinity?.nodeAffinity ?? {}
  const preferred = own.preferredDuringSchedulingIgnoredDuringExecution
  const isPreferring = preferred !== pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution
  return {
    ...(affinity !== pod.spec.affinity && {
      affinity: {
        nodeAffinity: {
          ...(required && { requiredDuringSchedulingIgnoredDuringExecution: required }),
          ...(isPreferring && { preferredDuringSchedulingIgnoredDuringExecution: preferred }),
        },
      },
    }),
    ...(tolerations?.length !== pod.spec.tolerations?.length && { tolerations }),
  }
}

/** The seats that come last are given up first when a ReplicaSet shrinks, which keeps the shares (KEP-2255). */
export function deletionCost(policy: CompiledPolicy, seat: Seat): string {
  return String(-seatsBefore(policy.shares, policy.method, seat))
}

/**
 * A patch for a pod whose seat has another place in the order since the policy changed; undefined: nothing to change, or the cost
 * that it has is not ours.
 */
export function deletionCostPatch({ metadata }: Pod, policy: CompiledPolicy, seat: Seat): object | undefined {
  const { [podDeletionCostAnnotation]: present, [deletionCostAnnotation]: ours } = metadata.annotations ?? {}
  const cost = deletionCost(policy, seat)
  if (ours === undefined || present !== ours || present === cost) return undefined
  return { metadata: { uid: metadata.uid, annotations: costOf(cost) } }
}
