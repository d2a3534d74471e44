import type { Pod } from '@kosmos/kube'
import type { Candidate } from '../nodes/candidates.ts'

/** Where a pod has room, and how it is kept there. */
export interface Aim {
  /** The node that the room is counted on. */
  readonly node: string
  /**
   * `asked`: what the pod asks for leaves no other. `node`: to this one only. `own`: to the root's own nodes, among which the stock
   * scheduler knows best. `preferred`: also to others that have room, since the pod asks for what only the stock scheduler knows.
   */
  readonly bound: 'asked' | 'node' | 'own' | 'preferred'
  /** Nodes where the stock scheduler shall not put it. */
  readonly avoid: readonly string[]
}

/**
 * How a pod is kept where it has room. Pure.
 * @param chosen one of the candidates
 * @param candidates all nodes that take the pod as far as labels, affinity and taints say
 * @param closed those of them that it is not to go to, since their leaf has lately refused one like it, or they are kept for another
 */
export function aimAt(
  pod: Pod,
  chosen: Candidate,
  candidates: readonly Candidate[],
  closed: readonly string[] = [],
): Aim {
  const { node } = chosen
  const isOnly = candidates.every((one) => (chosen.isOwn ? one.isOwn : one.node === node))
  if (isOnly) return { node, bound: 'asked', avoid: closed }
  if (!isChoosy(pod)) {
    if (!chosen.isOwn) return { node, bound: 'node', avoid: [] }
    const own = candidates.filter((one) => one.isOwn).map((one) => one.node)
    return { node, bound: 'own', avoid: closed.filter((name) => own.includes(name)) }
  }
  // Of the root's own nodes the stock scheduler knows the room itself.
  const full = candidates.filter((one) => !one.hasRoom && !one.isOwn && one.node !== node).map((one) => one.node)
  return { node, bound: 'preferred', avoid: [...new Set([...closed, ...full])].sort() }
}

/** Whether a pod asks for what only the stock scheduler knows: where volumes, ports, devices by claim and other pods are. */
function isChoosy({ spec }: Pod): boolean {
  const { affinity, topologySpreadConstraints = [], volumes = [], containers, resourceClaims = [] } = spec
  return (
    affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution !== undefined ||
    affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution !== undefined ||
    topologySpreadConstraints.some(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule') ||
    volumes.some(({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim ?? ephemeral) ||
    containers.some(({ ports }) => ports?.some(({ hostPort }) => hostPort)) ||
    resourceClaims.length > 0
  )
}
