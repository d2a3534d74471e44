import { placementLabel } from '@kosmos/api'
import { type Client, namespaces, nodes, pods } from '@kosmos/kube'
import { clusterDistributionPolicies, distributionPolicies, type World, workloadPolicies } from '@kosmos/scheduler'

/** What decisions about places are made of, read once. */
export async function readWorld(root: Client): Promise<World> {
  const [policies, own, clusterWide, labelled, allNodes, allPods] = await Promise.all([
    root.listAll(workloadPolicies),
    root.listAll(distributionPolicies),
    root.listAll(clusterDistributionPolicies),
    root.listAll(namespaces, { labelSelector: placementLabel }),
    root.listAll(nodes),
    root.listAll(pods),
  ])
  const distributions = [...own, ...clusterWide]
  return { policies, distributions, namespaces: labelled, nodes: allNodes, pods: allPods }
}
