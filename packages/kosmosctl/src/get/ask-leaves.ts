import { rootClusterLabel } from '@kosmos/api'
import { type Client, type Pod, pods } from '@kosmos/kube'
import { clusterId } from '../clusters/identity.ts'
import { openLeaf } from '../clusters/leaf.ts'
import { clusters } from '../clusters/resources.ts'
import { explain } from '../terminal/explain.ts'

/** A copy in a leaf, and the Cluster that stands for the leaf. */
export interface CopyInLeaf {
  readonly cluster: string
  readonly copy: Pod
}

export interface AskLeavesOptions {
  /** Which Clusters are asked. */
  readonly isMeant?: (cluster: string) => boolean
  /** Which copies, beside being this root's: a label selector. */
  readonly labelSelector?: string
  readonly namespace?: string | undefined
  readonly warn: (text: string) => void
}

/** The copies of root pods that leaves have, by the credentials that the root holds. A leaf that does not answer is told to `warn`. */
export async function askLeaves(root: Client, options: AskLeavesOptions): Promise<CopyInLeaf[]> {
  const { isMeant = () => true, namespace, warn } = options
  const rootId = await clusterId(root)
  const labelSelector = [`${rootClusterLabel}=${rootId}`, options.labelSelector].filter(Boolean).join(',')
  const joined = (await root.listAll(clusters)).filter(({ metadata }) => isMeant(metadata.name))
  const answers = await Promise.all(
    joined.map(async (cluster) => {
      const { name } = cluster.metadata
      try {
        const leaf = await openLeaf(root, cluster)
        try {
          const signal = AbortSignal.timeout(5_000)
          const copies = await leaf.client.listAll(pods, { namespace, labelSelector, signal })
          return copies.map((copy) => ({ cluster: name, copy }))
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
