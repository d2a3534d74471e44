import { placementGate, podDeletionCostAnnotation, seatAnnotation, workloadPolicyAnnotation } from '@kosmos/api'
import type { Pod, PodSpec } from '@kosmos/kube'
import type { CompiledPolicy } from '../policies/compiled-policy.ts'
import { type Seat, seatsBefore } from '../seats/seats.ts'

const openGate = { schedulingGates: [{ $patch: 'delete', name: placementGate }] }

/**
 * A strategic merge patch that gives a pod its seat and opens its gate, for this incarnation only. The API server takes the
 * nodeSelector as long as the pod is gated (KEP-3838), so a decision that comes too late changes nothing.
 * @param avoid nodes with that value where the stock scheduler shall not put it
 */
export function seatPatch(pod: Pod, policy: CompiledPolicy, seat: Seat, avoid: readonly string[] = []): object {
  const value = policy.shares[seat.share]?.name ?? ''
  return {
    metadata: {
      uid: pod.metadata.uid,
      annotations: {
        [workloadPolicyAnnotation]: policy.name,
        [seatAnnotation]: String(seat.number),
        ...(pod.metadata.annotations?.[podDeletionCostAnnotation] === undefined && {
          [podDeletionCostAnnotation]: deletionCost(policy, seat),
        }),
      },
    },
    spec: {
      ...openGate,
      nodeSelector: { [policy.topologyKey]: value },
      ...(avoid.length > 0 && { affinity: avoiding(pod, avoid) }),
    },
  }
}

/** As long as a pod is gated, requirements may be added behind those of each term; the list of terms is sent whole. */
function avoiding({ spec }: Pod, nodes: readonly string[]): NonNullable<PodSpec['affinity']> {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const elsewhere = nodes.map((name) => ({ key: 'metadata.name', operator: 'NotIn', values: [name] }))
  const terms = (required?.nodeSelectorTerms ?? [undefined]).map((term) => {
    // An empty term allows no node, and must stay as it is.
    const isEmpty = term && !term.matchExpressions?.length && !term.matchFields?.length
    return isEmpty ? term : { ...term, matchFields: [...(term?.matchFields ?? []), ...elsewhere] }
  })
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } }
}

/** Opens the gate of a pod that goes where kube-scheduler puts it; `policy` is missing when none selects it any more. */
export function openPatch(pod: Pod, policy: CompiledPolicy | undefined): object {
  const annotations = policy && { annotations: { [workloadPolicyAnnotation]: policy.name } }
  return { metadata: { uid: pod.metadata.uid, ...annotations }, spec: openGate }
}

/** The seats that come last are given up first when a ReplicaSet shrinks, which keeps the shares (KEP-2255). */
export function deletionCost(policy: CompiledPolicy, seat: Seat): string {
  return String(-seatsBefore(policy.shares, policy.method, seat))
}

/** A patch for a pod whose seat has another place in the order since the policy changed; undefined: nothing to change. */
export function deletionCostPatch(pod: Pod, policy: CompiledPolicy, seat: Seat): object | undefined {
  const cost = deletionCost(policy, seat)
  if (pod.metadata.annotations?.[podDeletionCostAnnotation] === cost) return undefined
  return { metadata: { uid: pod.metadata.uid, annotations: { [podDeletionCostAnnotation]: cost } } }
}
