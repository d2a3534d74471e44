import { clusterLabel, rootClusterLabel } from '@kosmos/api'
import { configMaps, describeObject, namespaces, nodes, pods, type Resource, secrets } from '@kosmos/kube'
import { openCluster } from '../clusters/connect.ts'
import { leafAccountName } from '../clusters/names.ts'
import type { Progress } from '../terminal/progress.ts'
import { isDrainable } from './drain.ts'
import { findJoined, reachLeaf } from './joined.ts'
import type { UnjoinOptions } from './options.ts'

/** What unjoin would do: nothing is changed. */
export interface UnjoinPlan {
  /** Pods that would be evicted, as `namespace/name`. */
  readonly evicted: readonly string[]
  /** Objects that would be removed in the root. */
  readonly root: readonly string[]
  /** Objects that would be removed in the leaf, namespaces only if nothing else is in them; undefined: not reachable. */
  readonly leaf: readonly string[] | undefined
}

export async function planUnjoin(options: UnjoinOptions, progress: Progress): Promise<UnjoinPlan> {
  const root = await openCluster('root', options.root)
  try {
    const { cluster, secret, rootId } = await findJoined(root.client, options.name)
    const virtualNodes = await root.client.listAll(nodes, { labelSelector: `${clusterLabel}=${options.name}` })
    const bound = await Promise.all(
      virtualNodes.map(({ metadata }) =>
        root.client.listAll(pods, { fieldSelector: `spec.nodeName=${metadata.name}` }),
      ),
    )
    const { leaf, why } = await reachLeaf(root.client, cluster, secret, options)
    if (leaf === undefined) progress.warn(`the leaf cannot be asked: ${why}`)
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
        leaf: leaf && [
          ...(await ownedInLeaf(leaf.client, rootId)),
          `account ${leafAccountName(rootId)} with its ClusterRole, ClusterRoleBinding, Role and RoleBinding`,
        ],
      }
    } finally {
      await leaf?.client.connection.close()
    }
  } finally {
    await root.client.connection.close()
  }
}

async function ownedInLeaf(leaf: Parameters<typeof reachLeaf>[0], rootId: string): Promise<string[]> {
  const labelSelector = `${rootClusterLabel}=${rootId}`
  const found = await Promise.all(
    ([pods, configMaps, secrets, namespaces] as Resource[]).map(async (kind) =>
      (await leaf.listAll(kind, { labelSelector, metadataOnly: true })).map((object) =>
        describeObject({ ...object, kind: kind.kind }),
      ),
    ),
  )
  return found.flat()
}
