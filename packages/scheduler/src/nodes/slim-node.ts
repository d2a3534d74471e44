import {
  emptyShapesAnnotation,
  freeShapesAnnotation,
  leafNodeModeAnnotation,
  placementPriorityAnnotation,
} from '@kosmos/api'
import type { Node } from '@kosmos/kube'

/** What placement reads of a node: not its images and addresses, which are most of it. */
export function slimNode({ apiVersion, kind, metadata, spec, status }: Node): Node {
  const { name, uid, resourceVersion, labels, annotations } = metadata
  const kept = Object.entries(annotations ?? {}).filter(([name]) => read.includes(name))
  const ready = status?.conditions?.filter(({ type }) => type === 'Ready')
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      uid,
      resourceVersion,
      ...(labels && { labels }),
      ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
    },
    spec: { ...(spec?.taints && { taints: spec.taints }), ...(spec?.unschedulable && { unschedulable: true }) },
    status: {
      ...(ready && { conditions: ready }),
      ...(status?.allocatable && { allocatable: status.allocatable }),
    },
  } as Node
}

const read: readonly string[] = [
  freeShapesAnnotation,
  emptyShapesAnnotation,
  leafNodeModeAnnotation,
  placementPriorityAnnotation,
]
