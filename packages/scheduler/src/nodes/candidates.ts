import { leafNodeModeAnnotation, leafNodeModes, nodeLabel, placementPriorityAnnotation } from '@kosmos/api'
import type { Node } from '@kosmos/kube'

/** A node that takes a pod, and what speaks for it. */
export interface Candidate {
  readonly node: string
  /** Whether one of its machines has room for the pod; where nothing is known of that, the stock scheduler judges. */
  readonly hasRoom: boolean
  /** Of its Cluster, or its own; 0 if nobody has said. */
  readonly priority: number
  /** Whether it is a node of the root itself. */
  readonly isOwn: boolean
  /** How well its best machine suits the pod, see `fitOf`. */
  readonly fit: number
}

/** Whether a node stands for machines of a leaf. */
export const isVirtual = ({ metadata }: Node): boolean => metadata.labels?.[nodeLabel] !== undefined

/** Whether kube-scheduler sees all there is to see of it: a node of the root's own, or one that stands for one leaf node. */
export const standsForOneMachine = (node: Node): boolean =>
  !isVirtual(node) || node.metadata.annotations?.[leafNodeModeAnnotation] === leafNodeModes.node

/** What somebody wrote into the annotation by hand may be anything. */
export function priorityOf({ metadata }: Node): number {
  const priority = Number(metadata.annotations?.[placementPriorityAnnotation] ?? 0)
  return Number.isSafeInteger(priority) ? priority : 0
}

/**
 * The order in which nodes are filled: those with room; the higher priority; the root's own before leaves, which take what they
 * have no room for; the better fit; the name, so that the same question has the same answer. Pure.
 */
export function compareCandidates(a: Candidate, b: Candidate): number {
  return (
    Number(b.hasRoom) - Number(a.hasRoom) ||
    b.priority - a.priority ||
    Number(b.isOwn) - Number(a.isOwn) ||
    b.fit - a.fit ||
    (a.node < b.node ? -1 : 1)
  )
}
