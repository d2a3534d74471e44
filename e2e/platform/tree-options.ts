import { type Client, clusters, nodes, type Outcome, type StoredCluster } from '@kosmos/kube'
import { eventually } from './platform.ts'

/** Sets fields of a Cluster's spec.clusterTreeOptions, as `kubectl patch` does. */
export async function setTreeOptions(
  root: Client,
  name: string,
  clusterTreeOptions: object,
): Promise<Outcome<StoredCluster>> {
  return await root.patch(clusters, { name }, { spec: { clusterTreeOptions } }, { type: 'merge' })
}

/** Lets pods without a toleration go to a leaf of a root that has no other nodes. */
export async function withoutTaint(root: Client, leaf: string): Promise<void> {
  await setTreeOptions(root, leaf, { nodeTaint: 'None' })
  await eventually('no virtual node has a taint', async () => {
    const there = await root.listAll(nodes)
    return there.length > 0 && there.every(({ spec }) => !spec?.taints?.length)
  })
}
