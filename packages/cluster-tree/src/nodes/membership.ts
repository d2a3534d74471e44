import type { VirtualNodeModel } from '@kosmos/api'
import { type Labels, labelSelector, type Node } from '@kosmos/kube'

/** Which virtual node each leaf node is part of. */
export interface Membership {
  /** The name of the virtual node; undefined when no model wants the leaf node. */
  homeOf(leafNode: Pick<Node, 'metadata'>): string | undefined
}

/** A leaf node belongs to the model that names it, else to the group that its labels are in, else to the one for all. Pure. */
export function membership(models: readonly VirtualNodeModel[]): Membership {
  const named = new Map(
    models.filter(({ kind }) => kind === 'node').map(({ name, model }) => [nodeNameOf(model), name]),
  )
  const groups = models
    .filter(({ kind }) => kind === 'group')
    .map(({ name, model }) => ({ name, selector: labelSelector(model.nodeSelector?.labelSelector) }))
  const all = models.find(({ kind }) => kind === 'cluster')?.name
  const inGroup = (labels: Labels | undefined) => groups.find(({ selector }) => selector.matches(labels))?.name
  return {
    homeOf: ({ metadata: { name, labels } }) => named.get(name) ?? inGroup(labels) ?? all,
  }
}

function nodeNameOf({ nodeSelector }: VirtualNodeModel['model']): string {
  return nodeSelector?.nodeName ?? ''
}
