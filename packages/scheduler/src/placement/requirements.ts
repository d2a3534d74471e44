import { isDeepStrictEqual } from 'node:util'
import { nodeLabel } from '@kosmos/api'
import type { PodSpec } from '@kosmos/kube'
import type { Aim } from './aim.ts'

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

type Requirement = Required<NodeSelectorTerm>['matchExpressions'][number]

/** No virtual node. Users and distribution policies write DoesNotExist, so that this is known for ours again. */
const ownNodes = { key: nodeLabel, operator: 'NotIn', values: ['true'] }

/** A pod's spec that keeps it where it has room. Pure. */
export function aimed(spec: PodSpec, { node, bound, avoid }: Aim): PodSpec {
  const here = { key: 'metadata.name', operator: 'In', values: [node] }
  if (bound === 'node') return requiring(spec, { matchExpressions: [], matchFields: [here] })
  const elsewhere = avoid.map((name) => ({ key: 'metadata.name', operator: 'NotIn', values: [name] }))
  if (bound === 'own') {
    return requiring(spec, { matchExpressions: [ownNodes], matchFields: elsewhere })
  }
  const narrowed = requiring(spec, { matchExpressions: [], matchFields: elsewhere })
  return bound === 'asked' ? narrowed : preferring(narrowed, { matchFields: [here] })
}

/**
 * A pod's spec as it was before it was kept to nodes, or off them: the opposite of {@link aimed}, but for what it prefers. Pure.
 * @param isOurs tells what else we have written behind its own requirements, of which the last is taken away
 */
export function unaimed(spec: PodSpec, isOurs: (one: Requirement) => boolean = () => false): PodSpec {
  const { nodeAffinity } = spec.affinity ?? {}
  const { requiredDuringSchedulingIgnoredDuringExecution: required, ...rest } = nodeAffinity ?? {}
  if (required === undefined) return spec
  const nodeSelectorTerms = required.nodeSelectorTerms.flatMap(({ matchExpressions, matchFields }) => {
    const term = joined(
      {},
      {
        matchExpressions: (matchExpressions ?? []).filter(
          (one, i, all) => !isDeepStrictEqual(one, ownNodes) && i !== all.findLastIndex(isOurs),
        ),
        matchFields: (matchFields ?? []).filter(({ key }) => key !== 'metadata.name'),
      },
    )
    // One that has nothing left was ours alone.
    return isEmpty(term) && (matchFields?.length || matchExpressions?.length) ? [] : [term]
  })
  const kept = nodeSelectorTerms.length > 0 && { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }
  return { ...spec, affinity: { ...spec.affinity, nodeAffinity: { ...rest, ...kept } } }
}

/** As much as may be: beside what the pod itself prefers. */
function preferring(spec: PodSpec, preference: NodeSelectorTerm): PodSpec {
  const own = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  return {
    ...spec,
    affinity: {
      ...spec.affinity,
      nodeAffinity: {
        ...spec.affinity?.nodeAffinity,
        preferredDuringSchedulingIgnoredDuringExecution: [...own, { weight: 100, preference }],
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
