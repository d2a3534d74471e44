import { isDeepStrictEqual } from 'node:util'
import { type ClusterCondition, type ClusterStatus, type NewClusterCondition, withCondition } from '@kosmos/api'
import type { LeafReport } from './report.ts'
import type { StoredCluster } from './resource.ts'

/**
 * The status that a Cluster should have, or undefined if it has it. Pure.
 * @param now RFC 3339
 */
export function statusOf(
  cluster: StoredCluster,
  conditions: readonly NewClusterCondition[],
  report: LeafReport | undefined,
  now: string,
): Partial<ClusterStatus> | undefined {
  const present = cluster.status ?? {}
  const names = (report?.virtualNodes ?? []).map(({ name }) => ({ leafNodeName: name }))
  const wanted = {
    observedGeneration: cluster.metadata.generation ?? 0,
    conditions: conditions.reduce<readonly ClusterCondition[]>(
      (all, condition) => withCondition(all, condition, now),
      (present.conditions ?? []) as readonly ClusterCondition[],
    ) as ClusterCondition[],
    // The last version known stays while the leaf cannot be asked.
    ...((report?.version ?? present.version) !== undefined && { version: report?.version ?? present.version }),
    virtualNodes: names.length,
    clusterTreeStatus: { leafNodeItems: names },
  }
  const { clusterLinkStatus: _, ...ours } = present
  return isDeepStrictEqual(ours, wanted) ? undefined : (wanted as Partial<ClusterStatus>)
}
