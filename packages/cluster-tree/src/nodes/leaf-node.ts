import { isDeepStrictEqual } from 'node:util'
import type { Node } from '@kosmos/kube'

/** The fields of a leaf node that virtual nodes are made of. The rest is larger, and changes although nothing about the node has. */
export function whatIsOffered({ apiVersion, kind, metadata, spec, status = {} }: Node): Node {
  const { name, uid, resourceVersion, labels } = metadata
  const { capacity, allocatable, nodeInfo, images, declaredFeatures } = status
  const conditions = status.conditions?.map(({ lastHeartbeatTime: _, ...condition }) => condition)
  const { taints, unschedulable } = spec ?? {}
  return {
    apiVersion,
    kind,
    metadata: { name, uid, resourceVersion, ...(labels && { labels }) },
    spec: { ...(taints && { taints }), ...(unschedulable && { unschedulable }) },
    status: {
      ...(capacity && { capacity }),
      ...(allocatable && { allocatable }),
      ...(conditions && { conditions }),
      ...(nodeInfo && { nodeInfo }),
      ...(images && { images }),
      ...(declaredFeatures && { declaredFeatures }),
    },
    // A node of the API has more fields, and nobody reads them here.
  } as unknown as Node
}

/** Whether two states of a leaf node, by {@link whatIsOffered}, differ in their version only: a kubelet says every five minutes that it lives. */
export function isSameOffer(a: Node, b: Node): boolean {
  return (
    isDeepStrictEqual(a.metadata.labels, b.metadata.labels) &&
    isDeepStrictEqual(a.spec, b.spec) &&
    isDeepStrictEqual(a.status, b.status)
  )
}
