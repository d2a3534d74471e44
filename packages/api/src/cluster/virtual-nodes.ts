import { groupNodeName, virtualNodeName } from '../names.ts'
import { type LeafModel, leafModelKind } from './tree-options.ts'

/** One virtual node of a Cluster. */
export interface VirtualNodeModel {
  /** Of the node in the root. */
  readonly name: string
  readonly kind: ReturnType<typeof leafModelKind>
  /** Its entry in spec.clusterTreeOptions.leafModels; empty when the Cluster has none. */
  readonly model: LeafModel
}

/**
 * The virtual nodes that a Cluster describes. A group is named after its leafNodeName and counted among those of that name,
 * so that the names of the others stay when groups are added, removed or put into another order.
 */
export function virtualNodeModels(clusterName: string, leafModels: readonly LeafModel[] = []): VirtualNodeModel[] {
  const counts = new Map<string, number>()
  const models = leafModels.length > 0 ? leafModels : [{}]
  return models.map((model) => {
    const kind = leafModelKind(model)
    if (kind === 'cluster') return { name: virtualNodeName(clusterName), kind, model }
    if (kind === 'node') return { name: model.nodeSelector?.nodeName ?? '', kind, model }
    const base = model.leafNodeName || clusterName
    const count = counts.get(base) ?? 0
    counts.set(base, count + 1)
    return { name: groupNodeName(base, count), kind, model }
  })
}
