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
}

export type CopyPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'create' }
  | { readonly kind: 'replace'; readonly uid: string; readonly resourceVersion: string }
  | { readonly kind: 'delete'; readonly uid: string; readonly reason: 'unneeded' | 'replacedInRoot' | 'goneInRoot' }

/**
 * What to do with the copy of one object. A copy whose root object is gone stays while a pod cannot do without it: a kubelet does
 * not take such a volume away from a running pod either. One that is optional goes, and its files with it.
 */
export function planCopy({ needed, optional = false, root, leaf }: CopyView): CopyPlan {
  const uid = leaf?.metadata?.uid ?? ''
  if (!needed) return leaf ? { kind: 'delete', uid, reason: 'unneeded' } : { kind: 'none' }
  if (!root) return leaf && optional ? { kind: 'delete', uid, reason: 'goneInRoot' } : { kind: 'none' }
  if (!leaf) return { kind: 'create' }
  const shown = leaf.metadata?.annotations ?? {}
  if (shown[rootUidAnnotation] !== root.metadata?.uid) return { kind: 'delete', uid, reason: 'replacedInRoot' }
  if (shown[rootResourceVersionAnnotation] === root.metadata?.resourceVersion) return { kind: 'none' }
  return { kind: 'replace', uid, resourceVersion: leaf.metadata?.resourceVersion ?? '' }
}

/** Whether a pod that needs the object can be created in the leaf. */
export function isCurrent(view: CopyView): boolean {
  return view.leaf !== undefined && view.root !== undefined && planCopy({ ...view, needed: true }).kind === 'none'
}
