import { clusterLabel, largestPodAnnotation, leafNodeModeAnnotation, nodeLabel } from '@kosmos/api'
import { type Client, type Node, nodes } from '@kosmos/kube'
import { age } from '../output/age.ts'
import type { Listing } from './listing.ts'

/** Label selector of every virtual node. */
export const virtualNodeSelector = `${nodeLabel}=true`

/** The nodes of the root that stand for leaves. */
export async function listVirtualNodes(root: Client): Promise<Listing> {
  const found = await root.listAll(nodes, { labelSelector: virtualNodeSelector })
  return {
    items: found,
    head: ['name', 'cluster', 'status', 'cpu', 'memory', 'pods', 'version', 'age'],
    wide: ['address', 'model', 'largest pod'],
    rows: found.map((node) => ({
      cells: [
        node.metadata.name,
        clusterOfNode(node),
        statusOfNode(node),
        ...['cpu', 'memory', 'pods'].map((resource) => String(node.status?.allocatable?.[resource] ?? '')),
        node.status?.nodeInfo?.kubeletVersion ?? '',
        age(node.metadata.creationTimestamp),
      ],
      wide: [
        node.status?.addresses?.map(({ address }) => address).join(',') ?? '',
        node.metadata.annotations?.[leafNodeModeAnnotation] ?? '',
        largestPod(node),
      ],
    })),
  }
}

/** As `cpu=4,memory=8Gi`; empty when that is not known. */
function largestPod({ metadata }: Node): string {
  try {
    const amounts: unknown = JSON.parse(metadata.annotations?.[largestPodAnnotation] ?? '{}')
    return Object.entries(amounts ?? {})
      .map(([name, amount]) => `${name}=${amount}`)
      .join(',')
  } catch {
    // Somebody else has written there.
    return ''
  }
}

export function clusterOfNode(node: Node): string {
  return node.metadata.labels?.[clusterLabel] ?? ''
}

/** The STATUS column of `kubectl get nodes`. */
function statusOfNode(node: Node): string {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status
  const word = ready === 'True' ? 'Ready' : ready === 'False' ? 'NotReady' : 'Unknown'
  return node.spec?.unschedulable ? `${word},SchedulingDisabled` : word
}
