import { leafClaimAnnotation, leafVolumeAnnotation, rootUidAnnotation } from '@kosmos/api'
import { type KubeObject, type PersistentVolume, type PersistentVolumeClaim, parseQuantity } from '@kosmos/kube'
import { attributesClassInRoot, type ClassNames, classInLeaf } from './class-names.ts'
import { reflectedStatus } from './reflected-status.ts'

/** What is known about one claim of the root and what a leaf has of it. */
export interface VolumeView {
  readonly claim: PersistentVolumeClaim | undefined
  /** Volumes of ours in this leaf that were made for a claim of this name, of whichever incarnation. */
  readonly volumes: readonly PersistentVolume[]
  /** Our claim in the leaf. */
  readonly leafClaim: PersistentVolumeClaim | undefined
  /** The class is of leaves, and this leaf is to make the volume. */
  readonly isAskedFor: boolean
  /** The leaf's claim is not of the StorageClass that it would be made with now. */
  readonly isOfOtherClass: boolean
  /** How the leaf calls VolumeAttributesClasses of the root, where it calls them otherwise. */
  readonly attributesClassNames: ClassNames
}

export type VolumePlan =
  | { readonly kind: 'none' }
  /** Make the root's volume for the claim. */
  | { readonly kind: 'provision' }
  | { readonly kind: 'createLeafClaim' }
  | { readonly kind: 'changeLeafClaim'; readonly uid: string; readonly spec: ChangedSpec }
  /** `resourceVersion`: only as it was seen, for it is to be made anew and must not have got a volume meanwhile. */
  | { readonly kind: 'deleteLeafClaim'; readonly uid: string; readonly resourceVersion?: string | undefined }
  /** Delete the root's volume, of which the leaf has nothing any more. */
  | { readonly kind: 'deleteVolume'; readonly name: string; readonly uid: string }
  /** Let go of the root's volume, which is being deleted. */
  | { readonly kind: 'releaseVolume'; readonly volume: PersistentVolume }
  /** Tell the root's volume what in the leaf has its data, how large it is, and which attributes it has. */
  | {
      readonly kind: 'reflectVolume'
      readonly volume: PersistentVolume
      readonly annotations: Readonly<Record<string, string>>
      /** A merge patch. */
      readonly spec: object
    }
  /** Tell the root's claim what the leaf's says. */
  | { readonly kind: 'reflectClaim'; readonly claim: PersistentVolumeClaim; readonly status: object }

/** A merge patch. */
export interface ChangedSpec {
  readonly resources?: { readonly requests: { readonly storage: string } }
  readonly volumeAttributesClassName?: string | null
}

/**
 * The next step for one claim. The leaf's claim lives as long as the root's volume does, whatever becomes of the pods and of the
 * claim: with reclaim policy Delete until the root's claim is gone, with Retain until somebody deletes the root's volume, and then
 * the leaf keeps its data. Pure.
 */
export function planVolume(view: VolumeView): VolumePlan {
  const { claim, volumes, leafClaim, isAskedFor, isOfOtherClass, attributesClassNames } = view
  for (const volume of volumes) {
    const step = planEnd(volume, leafClaim)
    if (step) return step
  }
  if (!claim || claim.metadata.deletionTimestamp !== undefined) return { kind: 'none' }
  const own = volumes.find(({ spec }) => spec?.claimRef?.uid === claim.metadata.uid)
  if (!own) return isAskedFor && !claim.spec?.volumeName ? { kind: 'provision' } : { kind: 'none' }
  if (claim.spec?.volumeName !== own.metadata.name) return { kind: 'none' }
  // What was lost in the leaf must not come back empty, as if nothing had happened.
  if (!leafClaim) return { kind: isLost(own) ? 'none' : 'createLeafClaim' }
  // Of the claim before it, which goes first; or its end in the leaf, after which it is made again.
  if (!isOf(leafClaim, claim.metadata.uid) || leafClaim.metadata.deletionTimestamp !== undefined)
    return { kind: 'none' }
  const storage = leafClaim.status?.capacity?.storage
  // Until it is bound in the leaf, there is nothing to tell, and nothing of it may change: its class only by another claim.
  if (!storage) {
    const { uid, resourceVersion } = leafClaim.metadata
    const isWithoutVolume = leafClaim.spec?.volumeName === undefined
    return isOfOtherClass && isWithoutVolume ? { kind: 'deleteLeafClaim', uid, resourceVersion } : { kind: 'none' }
  }
  const annotations = {
    [leafClaimAnnotation]: leafClaim.metadata.uid,
    [leafVolumeAnnotation]: leafClaim.spec?.volumeName ?? '',
  }
  const shown = own.metadata.annotations ?? {}
  const isReflected = Object.entries(annotations).every(([key, value]) => shown[key] === value)
  const shownSpec = reflectedSpec(own, claim, leafClaim, attributesClassNames)
  if (!isReflected || shownSpec) return { kind: 'reflectVolume', volume: own, annotations, spec: shownSpec ?? {} }
  const status = reflectedStatus(claim, leafClaim, attributesClassNames)
  if (status) return { kind: 'reflectClaim', claim, status }
  // Last, so that a wish that the leaf does not take hides nothing of what it says.
  const spec = changedSpec(claim, leafClaim, attributesClassNames)
  return spec ? { kind: 'changeLeafClaim', uid: leafClaim.metadata.uid, spec } : { kind: 'none' }
}

/** What of the root's volume is otherwise than the leaf says; what has attributes never is without again. */
function reflectedSpec(
  { spec }: PersistentVolume,
  claim: PersistentVolumeClaim,
  { status }: PersistentVolumeClaim,
  names: ClassNames,
): object | undefined {
  const storage = status?.capacity?.storage
  // A root that does not have such classes drops the field of the volume, as it does that of the claim.
  const asked = claim.spec?.volumeAttributesClassName
  const spokenOf = [asked, spec?.volumeAttributesClassName]
  const attributesClass = asked && attributesClassInRoot(status?.currentVolumeAttributesClassName, spokenOf, names)
  const isResized = spec?.capacity?.storage !== storage
  const isModified = attributesClass && spec?.volumeAttributesClassName !== attributesClass
  if (!isResized && !isModified) return undefined
  return {
    ...(isResized && { capacity: { storage } }),
    ...(isModified && { volumeAttributesClassName: attributesClass }),
  }
}

/**
 * What may change of a claim that is bound: its size, which may be asked for in vain and then lower again, but not below what
 * it has (KEP-284, KEP-1790), and its attributes (KEP-3751).
 */
function changedSpec(
  root: PersistentVolumeClaim,
  leaf: PersistentVolumeClaim,
  names: ClassNames,
): ChangedSpec | undefined {
  const storage = root.spec?.resources?.requests?.storage
  const asked = leaf.spec?.resources?.requests?.storage
  const present = leaf.status?.capacity?.storage
  const isResized =
    storage !== undefined && (isMore(storage, asked) || (isMore(asked, storage) && !isMore(present, storage)))
  const wanted = classInLeaf(root.spec?.volumeAttributesClassName, names)
  const isModified = wanted !== (leaf.spec?.volumeAttributesClassName || undefined)
  // That it is to have none can be said only while it has none (ValidatePersistentVolumeClaimUpdate).
  const isAllowed = wanted !== undefined || leaf.status?.currentVolumeAttributesClassName === undefined
  if (!isResized && !(isModified && isAllowed)) return undefined
  return {
    ...(isResized && { resources: { requests: { storage } } }),
    ...(isModified && isAllowed && { volumeAttributesClassName: wanted ?? null }),
  }
}

/** What the end of a volume asks for, if it is ending. */
function planEnd(volume: PersistentVolume, leafClaim: PersistentVolumeClaim | undefined): VolumePlan | undefined {
  const { name, uid, deletionTimestamp } = volume.metadata
  const { persistentVolumeReclaimPolicy, claimRef } = volume.spec ?? {}
  const isKept = persistentVolumeReclaimPolicy === 'Retain'
  const isReleased = volume.status?.phase === 'Released'
  if (deletionTimestamp === undefined && (!isReleased || isKept)) return undefined
  // Deleted while the claim is bound to it: the root waits as well (pv-protection).
  if (volume.status?.phase === 'Bound') return undefined
  if (!isKept && leafClaim && isOf(leafClaim, claimRef?.uid)) {
    // A volume in use goes when the leaf's pod has (pvc-protection).
    const { uid, deletionTimestamp } = leafClaim.metadata
    return deletionTimestamp === undefined ? { kind: 'deleteLeafClaim', uid } : { kind: 'none' }
  }
  return deletionTimestamp === undefined ? { kind: 'deleteVolume', name, uid } : { kind: 'releaseVolume', volume }
}

/** Whether the leaf had a volume for it; while there is no claim there, that one is gone. Pure. */
export function isLost(volume: PersistentVolume): boolean {
  return volume.metadata.annotations?.[leafClaimAnnotation] !== undefined
}

/** Whether the leaf's claim is for this incarnation of the root's. Pure. */
export function isOf(leafClaim: Pick<KubeObject, 'metadata'>, uid: string | undefined): boolean {
  return leafClaim.metadata?.annotations?.[rootUidAnnotation] === uid
}

function isMore(wanted: string | undefined, present: string | undefined): boolean {
  return parseQuantity(wanted ?? '0').sub(parseQuantity(present ?? '0')).sign > 0
}
