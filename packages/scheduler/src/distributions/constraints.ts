import { nodeLabel, nodeTaint, type PolicyTerm } from '@kosmos/api'
import type { Pod, PodSpec } from '@kosmos/kube'
import { type NodeSelectorTerm, requiring } from '../placement/requirements.ts'

type Requirements = Required<NodeSelectorTerm>['matchExpressions']
type Tolerations = NonNullable<PodSpec['tolerations']>

/** What a term adds to a pod. */
export interface Constraints {
  readonly matchExpressions: Requirements
  readonly matchFields: Requirements
  readonly tolerations: Tolerations
}

/** The taint of virtual nodes, whatever effect its Cluster chose. */
const anyVirtualNode = { key: nodeTaint.key, operator: 'Exists' } as const

/**
 * What the nodes of a term have to be like. Every kind but `host` may mean virtual nodes, so it tolerates their taint. Pure.
 */
export function constraintsOf({ nodeType, advancedTerm = {} }: PolicyTerm): Constraints {
  const none: Constraints = { matchExpressions: [], matchFields: [], tolerations: [anyVirtualNode] }
  switch (nodeType) {
    case 'host':
      return { ...none, matchExpressions: [{ key: nodeLabel, operator: 'DoesNotExist' }], tolerations: [] }
    case 'leaf':
      return { ...none, matchExpressions: [{ key: nodeLabel, operator: 'Exists' }] }
    case 'mix':
      return none
    case 'adv': {
      const { nodeName, nodeSelector = {}, tolerations = [] } = advancedTerm
      const labels = Object.entries(nodeSelector).map(([key, value]) => ({ key, operator: 'In', values: [value] }))
      return {
        matchExpressions: labels,
        matchFields: nodeName ? [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] : [],
        tolerations: [anyVirtualNode, ...(tolerations as Tolerations)],
      }
    }
  }
}

/** The pod as it is when the constraints are in it: beside its own, which stay. Pure. */
export function constrained(pod: Pod, { matchExpressions, matchFields, tolerations }: Constraints): Pod {
  const { spec } = pod
  const own = spec.tolerations ?? []
  const isNew = (toleration: Tolerations[number]) => !own.some((other) => isSame(other, toleration))
  const all = [...own, ...tolerations.filter(isNew)]
  return {
    ...pod,
    spec: {
      ...requiring(spec, { matchExpressions, matchFields }),
      ...(all.length > 0 && { tolerations: all }),
    },
  }
}

const isSame = (a: Tolerations[number], b: Tolerations[number]): boolean =>
  (['key', 'operator', 'value', 'effect', 'tolerationSeconds'] as const).every((field) => a[field] === b[field])
