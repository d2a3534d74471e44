import { isRootCluster, rootClusterLabel } from '@kosmos/api'
import { type Client, type Pod, pods } from '@kosmos/kube'
import { explain } from '../terminal/explain.ts'
import { clusterId } from './identity.ts'
import { openLeaf } from './leaf.ts'
import { clusters } from './resources.ts'

/** A copy in a leaf, and the Cluster that stands for the leaf. */
export interface CopyInLeaf {
  readonly cluster: string
  readonly copy: Pod
}

export interface WithLeavesOptions {
  /** Which Clusters are asked. */
  readonly isMeant?: (cluster: string) => boolean
  readonly warn: (text: string) => void
}

export interface CopiesOptions {
  /** Which copies, beside being this root's: a label selector. */
  readonly labelSelector?: string
  readonly namespace?: string | undefined
}

/**
 * Does something in all leaves at once, by the credentials that the root holds, and gathers what comes of it. A leaf that
 * does not answer is told to `warn`.
 */
export async function withLeaves<T>(
  root: Client,
  { isMeant = () => true, warn }: WithLeavesOptions,
  work: (leaf: Client, cluster: string) => Promise<readonly T[]>,
): Promise<T[]> {
  const all = await root.listAll(clusters)
  const joined = all.filter((cluster) => !isRootCluster(cluster) && isMeant(cluster.metadata.name))
  const answers = await Promise.all(
    joined.map(async (cluster) => {
      const { name } = cluster.metadata
      try {
        const leaf = await openLeaf(root, cluster)
        try {
          return await work(leaf.client, name)
        } finally {
          await leaf.client.connection.close()
        }
      } catch (error) {
        warn(`cluster "${name}" was not asked: ${explain(error).message}`)
        return []
      }
    }),
  )
  return answers.flat()
}

/** The copies that a leaf has of pods of the root with this id. */
export async function copiesOf(leaf: Client, rootId: string, options: CopiesOptions): Promise<Pod[]> {
  const labelSelector = [`${rootClusterLabel}=${rootId}`, options.labelSelector].filter(Boolean).join(',')
  return await leaf.listAll(pods, { namespace: options.namespace, labelSelector, signal: AbortSignal.timeout(5_000) })
}

/** The copies of root pods that leaves have. */
export async function askLeaves(root: Client, options: WithLeavesOptions & CopiesOptions): Promise<CopyInLeaf[]> {
  const rootId = await clusterId(root)
  return await withLeaves(root, options, async (leaf, cluster) =>
    (await copiesOf(leaf, rootId, options)).map((copy) => ({ cluster, copy })),
  )
}
