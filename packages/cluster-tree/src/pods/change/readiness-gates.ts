import type { Pod } from '@kosmos/kube'
import { conditionPatch, isOfCluster, sameCondition } from '../status/conditions.ts'
import { type ConditionPatch, conditionOf } from '../status/status-patch.ts'

/**
 * The conditions to write to the copy so that the readiness gates of the root pod (KEP-580) stand there as in the root, where
 * their controllers are: the leaf's kubelet computes Ready with them. Those that a control plane writes itself are each
 * cluster's own. Pure.
 */
export function gateConditions({ spec, status }: Pod, leaf: Pod): ConditionPatch[] {
  return (spec.readinessGates ?? []).flatMap(({ conditionType: type }): ConditionPatch[] => {
    if (isOfCluster(type)) return []
    const [stated, present] = [conditionOf(status, type), conditionOf(leaf.status, type)]
    if (!stated) return present ? [{ $patch: 'delete', type }] : []
    // Generations and probes are of the root's object.
    const { observedGeneration: _, lastProbeTime: __, ...wanted } = stated
    return sameCondition(present, wanted) ? [] : [conditionPatch(present, wanted)]
  })
}
