import { hasClusterTree, virtualNodeModels } from '@kosmos/api'
import { type Client, isForbidden, nodes } from '@kosmos/kube'
import { clusters } from '../clusters/resources.ts'
import { clusterOfNode, virtualNodeSelector } from './virtual-nodes.ts'

/**
 * Which Cluster a node of the root stands for, by the node's name. Who may not list nodes is told it by the Clusters, which say what
 * their virtual nodes are called; undefined for who may list neither.
 */
export async function clusterOfNodes(root: Client): Promise<ReadonlyMap<string, string> | undefined> {
  const virtual = await unlessForbidden(root.listAll(nodes, { labelSelector: virtualNodeSelector }))
  if (virtual) return new Map(virtual.map((node) => [node.metadata.name, clusterOfNode(node)]))
  const known = await unlessForbidden(root.listAll(clusters))
  return (
    known &&
    new Map(
      known.filter(hasClusterTree).flatMap(({ metadata: { name }, spec }) => {
        const models = virtualNodeModels(name, spec.clusterTreeOptions?.leafModels)
        return models.map((model) => [model.name, name] as const)
      }),
    )
  )
}

async function unlessForbidden<T>(answer: Promise<T>): Promise<T | undefined> {
  return await answer.catch((error: unknown) => {
    if (isForbidden(error)) return undefined
    throw error
  })
}
