import { clusterLabel, isRootCluster } from '@kosmos/api'
import { type Client, describeObject, type KubeObject, nodes, pods, type Resource } from '@kosmos/kube'
import { withClusters } from '../clusters/connect.ts'
import { leafAccountName } from '../clusters/names.ts'
import type { Progress } from '../terminal/progress.ts'
import { isDrainable } from './drain.ts'
import { leftByGivenUp } from './given-up.ts'
import { findJoined, reachLeaf } from './joined.ts'
import { copiedKinds, importedIn, importedKinds, lookAtLeaf, ownIn, type Remainder } from './leave-leaf.ts'
import { lookAtRoot } from './leave-root.ts'
import type { UnjoinOptions } from './options.ts'

/** What unjoin would do: nothing is changed. */
export interface UnjoinPlan {
  /** Pods that would be evicted, as `namespace/name`. */
  readonly evicted: readonly string[]
  /** Objects that would be removed in the root. */
  readonly root: readonly string[]
  /** Objects that would be removed in the leaf, namespaces only if nothing else is in them; undefined: not reachable. */
  readonly leaf: readonly string[] | undefined
  /** What would stay there, and why. */
  readonly remains: readonly Remainder[]
}

export async function planUnjoin(options: UnjoinOptions, progress: Progress): Promise<UnjoinPlan> {
  return await withClusters({ root: options.root }, async ({ root }) => {
    const { cluster, secret, rootId } = await findJoined(root.client, options.name)
    if (cluster !== undefined && isRootCluster(cluster)) {
      const agents = await lookAtRoot(root.client, options.name, rootId)
      const removed = [describeObject({ ...cluster, kind: 'Cluster' }), ...agents]
      return { evicted: [], root: removed, leaf: [], remains: [] }
    }
    const virtualNodes = await root.client.listAll(nodes, { labelSelector: `${clusterLabel}=${options.name}` })
    const bound = await Promise.all(
      virtualNodes.map(({ metadata }) =>
        root.client.listAll(pods, { fieldSelector: `spec.nodeName=${metadata.name}` }),
      ),
    )
    const reached = await reachLeaf(root.client, cluster, secret, options)
    const { leaf, why } = reached
    const leftBefore = leftByGivenUp(reached, cluster, secret, rootId)
    if (leaf === undefined && leftBefore === undefined) progress.warn(`the leaf cannot be asked: ${why}`)
    try {
      return {
        evicted: bound
          .flat()
          .filter(isDrainable)
          .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
        root: [
          ...virtualNodes.map(({ metadata }) => `Node ${metadata.name}`),
          ...(cluster ? [describeObject({ ...cluster, kind: 'Cluster' })] : []),
          ...(secret ? [describeObject({ ...secret, kind: 'Secret' })] : []),
        ],
        ...(leaf ? await planInLeaf(leaf.client, rootId) : { leaf: leftBefore && [], remains: leftBefore ?? [] }),
      }
    } finally {
      await leaf?.client.connection.close()
    }
  })
}

async function planInLeaf(leaf: Client, rootId: string): Promise<Pick<UnjoinPlan, 'leaf' | 'remains'>> {
  const account = leafAccountName(rootId)
  const named = (resource: Resource, objects: readonly KubeObject[]) =>
    objects.map((object) => describeObject({ ...object, kind: resource.kind }))
  const [copies, imports, { going, remains }] = await Promise.all([
    Promise.all(copiedKinds.map(async (kind) => named(kind, await ownIn(leaf, kind, rootId)))),
    Promise.all(importedKinds.map(async (kind) => named(kind, await importedIn(leaf, kind, rootId)))),
    lookAtLeaf(leaf, rootId, account),
  ])
  return {
    leaf: [
      ...copies.flat(),
      ...imports.flat(),
      ...going,
      `account ${account} with its ClusterRole, ClusterRoleBinding, Role and RoleBinding, and what they own`,
    ],
    remains,
  }
}
