import { type Client, nodes, pods } from '@kosmos/kube'
import { type World, workloadPolicies } from '@kosmos/scheduler'

/** What decisions about places are made of, read once. */
export async function readWorld(root: Client): Promise<World> {
  const [policies, allNodes, allPods] = await Promise.all([
    root.listAll(workloadPolicies),
    root.listAll(nodes),
    root.listAll(pods),
  ])
  return { policies, nodes: allNodes, pods: allPods }
}
