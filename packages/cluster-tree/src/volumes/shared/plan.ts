import type { PersistentVolumeClaim } from '@kosmos/kube'
import { isOf } from '../plan.ts'

/** What is known about a claim of the root whose volume was made in the root, and what a leaf has of it. */
export interface SharedView {
  readonly claim: PersistentVolumeClaim | undefined
  /** The leaf's claim to the same volume, which we made. */
  readonly leafClaim: PersistentVolumeClaim | undefined
  /** A pod of this leaf mounts it. */
  readonly isNeeded: boolean
  /** The Cluster says that the leaf reaches volumes of its class. */
  readonly isShared: boolean
}

export type SharedPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'createLeafClaim'; readonly claim: PersistentVolumeClaim }
  /** Describe the root's volume in the leaf, for the claim that is there. */
  | {
      readonly kind: 'createLeafVolume'
      readonly claim: PersistentVolumeClaim
      readonly leafClaim: PersistentVolumeClaim
    }
  /** Remove both in the leaf; what is on the volume is the root's. */
  | { readonly kind: 'remove'; readonly leafClaim: PersistentVolumeClaim }

/**
 * The next step for one claim. The leaf has it while its pods mount it. The claim comes first and goes last, so that it always tells
 * that there may be a volume. Pure.
 */
export function planShared({ claim, leafClaim, isNeeded, isShared }: SharedView): SharedPlan {
  if (leafClaim) {
    const isEnding = leafClaim.metadata.deletionTimestamp !== undefined
    if (!isNeeded || !claim || !isOf(leafClaim, claim.metadata.uid))
      return isEnding ? { kind: 'none' } : { kind: 'remove', leafClaim }
    const isBound = leafClaim.status?.phase === 'Bound'
    return isEnding || isBound ? { kind: 'none' } : { kind: 'createLeafVolume', claim, leafClaim }
  }
  // Anybody can write the name of a volume into a claim; that it is the claim's, only the root's binder says.
  const isThere = claim?.status?.phase === 'Bound' && claim.metadata.deletionTimestamp === undefined
  return isThere && isNeeded && isShared ? { kind: 'createLeafClaim', claim } : { kind: 'none' }
}
