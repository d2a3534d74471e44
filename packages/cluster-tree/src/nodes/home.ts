import type { LeafModel, VirtualNodeModel } from '@kosmos/api'

type LabelSelector = NonNullable<NonNullable<LeafModel['nodeSelector']>['labelSelector']>

/** Where in the leaf the pods of a virtual node may run. */
export type Home =
  | { readonly kind: 'cluster' }
  | { readonly kind: 'node'; readonly leafNode: string }
  | { readonly kind: 'group'; readonly labelSelector: LabelSelector }

export function homeOf({ kind, model: { nodeSelector } }: VirtualNodeModel): Home {
  switch (kind) {
    case 'cluster':
      return { kind }
    case 'node':
      return { kind, leafNode: nodeSelector?.nodeName ?? '' }
    case 'group':
      return { kind, labelSelector: nodeSelector?.labelSelector ?? {} }
  }
}
