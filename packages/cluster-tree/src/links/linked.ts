import { hasClusterLink } from '@kosmos/api'
import type { StoredCluster } from '@kosmos/kube'

/** While one of these is why a Cluster is Linked or not, its pods have their ways; of single nodes the agents take care. */
const passable: readonly string[] = ['Linked', 'NodesNotReady', 'ClusterUnreachable']

/** Whether ClusterLink connects a cluster with the other linked ones now. */
export function isLinked(cluster: StoredCluster | undefined): boolean {
  if (cluster === undefined || !hasClusterLink(cluster)) return false
  const condition = cluster.status?.conditions?.find(({ type }) => type === 'Linked')
  return condition !== undefined && passable.includes(condition.reason)
}
