import type { PodSpec } from '@kosmos/kube'

export type NodeSelectorTerm = NonNullable<
  NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>['requiredDuringSchedulingIgnoredDuringExecution']
>['nodeSelectorTerms'][number]

/**
 * A pod's spec with more that a node has to be, whichever of its own terms holds. As long as a pod is gated, the API server
 * takes requirements behind those of each term (KEP-3838). Pure.
 */
export function requiring(spec: PodSpec, more: Required<NodeSelectorTerm>): PodSpec {
  if (more.matchExpressions.length === 0 && more.matchFields.length === 0) return spec
  const own = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const nodeSelectorTerms = own?.map((term) => (isEmpty(term) ? term : joined(term, more))) ?? [joined({}, more)]
  return {
    ...spec,
    affinity: {
      ...spec.affinity,
      nodeAffinity: {
        ...spec.affinity?.nodeAffinity,
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
      },
    },
  }
}

/** An empty term holds for no node, and has to stay as it is. */
const isEmpty = ({ matchExpressions, matchFields }: NodeSelectorTerm): boolean =>
  !matchExpressions?.length && !matchFields?.length

function joined(term: NodeSelectorTerm, more: Required<NodeSelectorTerm>): NodeSelectorTerm {
  const matchExpressions = [...(term.matchExpressions ?? []), ...more.matchExpressions]
  const matchFields = [...(term.matchFields ?? []), ...more.matchFields]
  return { ...(matchExpressions.length > 0 && { matchExpressions }), ...(matchFields.length > 0 && { matchFields }) }
}
