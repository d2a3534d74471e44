import type { NodeSelectorTerm } from '../placement/requirements.ts'
import { type SeenClaim, selectedNodeAnnotation } from './claims.ts'

/** What a node has to be for the volumes of a pod to be had there. */
export type Reach = Required<NodeSelectorTerm>

/**
 * What the volumes of a pod say about its node, as VolumeBinding of kube-scheduler sees it; undefined: nothing. Of a volume with several terms any
 * may hold, which is left to kube-scheduler. Pure.
 */
export function reachOf(claims: readonly SeenClaim[]): Reach | undefined {
  const terms = claims.flatMap(({ claim, volume }): readonly NodeSelectorTerm[] => {
    const ofVolume = volume?.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? []
    if (claim?.spec?.volumeName) return ofVolume.length === 1 ? ofVolume : []
    const node = claim?.metadata.annotations?.[selectedNodeAnnotation]
    return node ? [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }] : []
  })
  const matchExpressions = terms.flatMap((term) => term.matchExpressions ?? [])
  const matchFields = terms.flatMap((term) => term.matchFields ?? [])
  return matchExpressions.length + matchFields.length > 0 ? { matchExpressions, matchFields } : undefined
}
