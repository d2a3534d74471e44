import { clusterLabel, nodeLabel, ownedByClusterAnnotation } from '@kosmos/api'
import type { Node } from '@kosmos/kube'

/** Whether a node of the root is a virtual node that we made for this Cluster. */
export function isNodeOf({ metadata }: Node, cluster: string): boolean {
  return (
    metadata.labels?.[nodeLabel] === 'true' &&
    metadata.labels[clusterLabel] === cluster &&
    metadata.annotations?.[ownedByClusterAnnotation] === cluster
  )
}
