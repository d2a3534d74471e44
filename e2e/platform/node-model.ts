import type { Client, Node } from '@kosmos/kube'
import { nodes, unwrap } from '@kosmos/kube'
import type { ControlPlane } from '@kosmos/testbed'
import { eventually } from './platform.ts'
import { setTreeOptions } from './tree-options.ts'

/** What the leaf is in the root: one virtual node, or one for each of its nodes. */
export const models = ['cluster', 'node'] as const
export type Model = (typeof models)[number]

/** Gives every node of a leaf a virtual node of its own; resolves when all are Ready and the one for all is gone. */
export async function nodeModel(root: Client, leaf: Pick<ControlPlane, 'name' | 'nodes'>): Promise<void> {
  const leafModels = leaf.nodes.map((nodeName) => ({ nodeSelector: { nodeName } }))
  unwrap(await setTreeOptions(root, leaf.name, { leafModels }))
  await eventually('every leaf node is a virtual node', async () => {
    const there = await root.listAll(nodes)
    return there.length === leaf.nodes.length && there.every(isReady)
  })
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}
