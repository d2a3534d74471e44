import { rootResourceVersionAnnotation, rootUidAnnotation } from '@kosmos/api'
import type { KubeObject } from '@kosmos/kube'

export interface CopyView {
  /** Whether a pod of this leaf refers to it. */
  readonly needed: boolean
  /** Whether every pod that needs it can do without. */
  readonly optional?: boolean
  /** Metadata of the root object, undefined if there is none. */
  readonly root: KubeObject | undefined
  /** Metadata of our copy in the leaf; a foreign object of the name is not seen here. */
  readonly leaf: KubeObject | undefined
  /** Whether somebody else has written to the content of the copy. */
  readonly contested?: boolean
}

export type CopyPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'create' }
  | {
      readonly kind: 'replace'
      readonly uid: string
      readonly resourceVersion: string
      /** The root's has not changed. */
      readonly setsRight?: boolean
    }
  | { readonly kind: 'delete'; readonly uid: string; readonly reason: 'unneeded' | 'replacedInRoot' | 'goneInRoot' }

/**
 * What to do with the copy of one object. A copy whose root object is gone stays while a pod cannot do without it: a kubelet does
 * not take such a volume away from a running pod either. One that is optional goes, and its files with it.
 */
export function planCopy({ needed, optional = false, root, leaf, contested = false }: CopyView): CopyPlan {
  const uid = leaf?.metadata?.uid ?? ''
  if (!needed) return leaf ? { kind: 'delete', uid, reason: 'unneeded' } : { kind: 'none' }
  if (!root) return leaf && optional ? { kind: 'delete', uid, reason: 'goneInRoot' } : { kind: 'none' }
  if (!leaf) return { kind: 'create' }
  const shown = leaf.metadata?.annotations ?? {}
  if (shown[rootUidAnnotation] !== root.metadata?.uid) return { kind: 'delete', uid, reason: 'replacedInRoot' }
  const replace = { kind: 'replace', uid, resourceVersion: leaf.metadata?.resourceVersion ?? '' } as const
  if (shown[rootResourceVersionAnnotation] !== root.metadata?.resourceVersion) return replace
  return contested ? { ...replace, setsRight: true } : { kind: 'none' }
}

/** Whether a pod that needs the object can be created in the leaf: it does not wait for the end of a quarrel about what is in it. */
export function isCurrent({ root, leaf }: CopyView): boolean {
  return leaf !== undefined && root !== undefined && planCopy({ needed: true, root, leaf }).kind === 'none'
}
