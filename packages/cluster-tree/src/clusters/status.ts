import { isDeepStrictEqual } from 'node:util'
import { type ClusterStatus, type Condition, type NewCondition, withCondition } from '@kosmos/api'
import type { StoredCluster } from '@kosmos/kube'
import type { VirtualNodeState } from '../nodes/state.ts'

export interface StatusFacts {
  readonly conditions: readonly NewCondition[]
  /** Virtual nodes that exist in the root. */
  readonly virtualNodes: readonly VirtualNodeState[]
  /** gitVersion of the leaf; undefined while it cannot be asked, and then the last one known stays. */
  readonly version: string | undefined
  /** RFC 3339. */
  readonly now: string
}

/** The status that a Cluster should have, or undefined if it has it. Pure. */
export function statusOf(cluster: StoredCluster, facts: StatusFacts): Partial<ClusterStatus> | undefined {
  const present = cluster.status ?? {}
  const names = facts.virtualNodes.map(({ name }) => ({ leafNodeName: name }))
  const version = facts.version ?? present.version
  const wanted = {
    observedGeneration: cluster.metadata.generation ?? 0,
    conditions: facts.conditions.reduce<readonly Condition[]>(
      (all, condition) => withCondition(all, condition, facts.now),
      (present.conditions ?? []) as readonly Condition[],
    ) as Condition[],
    ...(version !== undefined && { version }),
    virtualNodes: names.length,
    clusterTreeStatus: { leafNodeItems: names },
  }
  const { clusterLinkStatus: _, ...ours } = present
  return isDeepStrictEqual(ours, wanted) ? undefined : (wanted as Partial<ClusterStatus>)
}
