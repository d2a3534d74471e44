import { type Client, nodes, pods } from '@kosmos/kube'
import { clusterDistributionPolicies, distributionPolicies, type World, workloadPolicies } from '@kosmos/scheduler'

/** What decisions about places are made of, read once. */
export async function readWorld(root: Client): Promise<World> {
  const [policies, own, clusterWide, allNodes, allPods] = await Promise.all([
    root.listAll(workloadPolicies),
    root.listAll(distributionPolicies),
    root.listAll(clusterDistributionPolicies),
    root.listAll(nodes),
    root.listAll(pods),
  ])
  return { policies, distributions: [...own, ...clusterWide], nodes: allNodes, pods: allPods }
}
