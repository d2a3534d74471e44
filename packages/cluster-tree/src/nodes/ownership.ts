import { clusterLabel, leafIdAnnotation, nodeLabel, ownedByClusterAnnotation } from '@kosmos/api'
import type { Node } from '@kosmos/kube'

/**
 * Whether a node of the root is a virtual node that we made for this Cluster. Its marks are more than are needed, so that
 * one that somebody takes away can be put back.
 */
export function isNodeOf({ metadata: { labels = {}, annotations = {} } }: Node, cluster: string): boolean {
  const isOwned = annotations[ownedByClusterAnnotation] === cluster
  if (labels[clusterLabel] === cluster) return isOwned || labels[nodeLabel] === 'true'
  // Without a mark that only we know it may be a node of the original Kosmos, which writes the other two.
  return isOwned && annotations[leafIdAnnotation] !== undefined
}

/** The leaf that a virtual node says it stands for. */
export function leafIdOf(node: Node): string | undefined {
  return node.metadata.annotations?.[leafIdAnnotation]
}
