import { type ClusterTreeOptions, clusterLabel } from '@kosmos/api'
import type { Node, StoredCluster } from '@kosmos/kube'
import { isNodeOf } from '../nodes/ownership.ts'
import type { Root } from '../root/root.ts'

/** What a Cluster says about the loss of its leaf. */
export type LeafLossPolicy = Pick<ClusterTreeOptions, 'onLeafLoss' | 'failoverAfterSeconds'>

const kubernetesOwn: LeafLossPolicy = { onLeafLoss: 'Evict', failoverAfterSeconds: 0 }

/** The Cluster of a virtual node; undefined for a node that is not one, or whose Cluster is gone. */
export function clusterOf(root: Pick<Root, 'clusters'>, node: Node | undefined): StoredCluster | undefined {
  const name = node?.metadata.labels?.[clusterLabel]
  return node && name !== undefined && isNodeOf(node, name) ? root.clusters.get(name) : undefined
}

/** A Cluster that is being given up is not waited for. */
export function policyOf(cluster: StoredCluster | undefined): LeafLossPolicy {
  const isStaying = cluster !== undefined && cluster.metadata.deletionTimestamp === undefined
  return (isStaying && cluster.spec.clusterTreeOptions) || kubernetesOwn
}

/** The names of a Cluster's virtual nodes. */
export function* nodesOf(root: Pick<Root, 'virtualNodes'>, cluster: string): Iterable<string> {
  for (const node of root.virtualNodes.store.values()) if (isNodeOf(node, cluster)) yield node.metadata.name
}
