import { placementLabel } from '@kosmos/api'
import { type Client, isForbidden, type Namespace, namespaces, nodes, pods } from '@kosmos/kube'
import { clusterDistributionPolicies, distributionPolicies, type World, workloadPolicies } from '@kosmos/scheduler'
import { type Reading, readAll, type Unread } from './reading.ts'

/** What decisions about places are made of, as far as it may be read. */
export interface Seen {
  readonly world: World
  readonly unread: readonly Unread[]
  /** Whether nothing is missing on which places in the namespace depend. */
  readonly decides: boolean
}

/** Reads the root once; what only concerns other namespaces than this one may be missing. */
export async function readWorld(root: Client, namespace: string): Promise<Seen> {
  const [policies, own, clusterWide, labelled, allNodes, allPods] = await Promise.all([
    readAll(root, workloadPolicies, { namespace }),
    readAll(root, distributionPolicies, { namespace }),
    readAll(root, clusterDistributionPolicies),
    readLabelled(root, namespace),
    readAll(root, nodes),
    readAll(root, pods, { namespace }),
  ])
  const readings = [policies, own, clusterWide, labelled, allNodes, allPods]
  const unread = readings.flatMap(({ unread }) => unread ?? [])
  return {
    world: {
      policies: policies.items,
      distributions: [...own.items, ...clusterWide.items],
      namespaces: labelled.items,
      nodes: allNodes.items,
      pods: allPods.items,
    },
    unread,
    // Pods of other namespaces take room as well.
    decides: allPods.unread === undefined && unread.every(({ isOfOthers }) => isOfOthers),
  }
}

/** Namespaces with the label of placement; a user of one may at least get that. */
async function readLabelled(root: Client, namespace: string): Promise<Reading<Namespace>> {
  const reading = await readAll(root, namespaces, { labelSelector: placementLabel })
  if (reading.unread === undefined) return reading
  try {
    const found = await root.get(namespaces, { name: namespace })
    return {
      items: found ? [found] : [],
      unread: { ...reading.unread, what: 'labels of other namespaces', isOfOthers: true },
    }
  } catch (error) {
    if (isForbidden(error)) return reading
    throw error
  }
}
