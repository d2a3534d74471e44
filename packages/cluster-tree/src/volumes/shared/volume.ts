import { globalAnnotation, rootClusterLabel, rootNameAnnotation, rootUidAnnotation } from '@kosmos/api'
import type { KubeObject, PersistentVolume, PersistentVolumeClaim } from '@kosmos/kube'
import { leafClaim } from '../claim.ts'

/** What the leaf calls the volume of a claim, by the uid of the root's claim. Pure. */
export function sharedVolumeName(rootClaimUid: string): string {
  return `shared-${rootClaimUid}`
}

/** Whether a claim of ours in a leaf is for a volume that was made in the root. Pure. */
export function isSharedClaim({ metadata, spec }: PersistentVolumeClaim): boolean {
  return spec?.volumeName === sharedVolumeName(metadata.annotations?.[rootUidAnnotation] ?? '')
}

/** The leaf's claim to the volume that the root's claim has. Pure. */
export function sharedClaim(root: PersistentVolumeClaim, rootClusterId: string, name: string): KubeObject {
  const { metadata, spec } = leafClaim({ root, rootClusterId, name }) as PersistentVolumeClaim
  const { volumeAttributesClassName: _, ...wishes } = spec ?? {}
  // What it has, not what it waits for: a larger claim would not fit.
  const storage = root.status?.capacity?.storage
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata,
    spec: {
      ...wishes,
      ...(storage && { resources: { requests: { storage } } }),
      volumeName: sharedVolumeName(root.metadata.uid),
    },
  }
  return claim as unknown as KubeObject
}

/** Whether a volume can be mounted elsewhere than on one node of the root. Pure. */
export function isReachable({ spec }: PersistentVolume): boolean {
  return spec?.hostPath === undefined && spec?.local === undefined
}

/** Why the volume that a claim of the root names is not described in a leaf for it; undefined: it may be. Pure. */
export function withheldFrom(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined): string | undefined {
  const name = claim.spec?.volumeName ?? ''
  if (!volume) return `its PersistentVolume ${name} is gone in the root`
  if (volume.spec?.claimRef?.uid !== claim.metadata.uid)
    return `PersistentVolume ${name} is not bound to it in the root`
  if (isReachable(volume)) return undefined
  return `its PersistentVolume ${name} is a folder of a node of the root, where the leaf has another one: give the volume a node affinity, and the scheduler sends its pods to that node`
}

/**
 * The root's volume as the leaf has it: the same storage for the leaf's claim. It is retained whatever happens, since it is the root's;
 * on which nodes of the root it can be is no matter of the leaf's. Pure.
 */
export function sharedVolume(
  volume: PersistentVolume,
  { leafClaim, rootClusterId }: { readonly leafClaim: PersistentVolumeClaim; readonly rootClusterId: string },
): KubeObject {
  const { name, namespace, uid } = leafClaim.metadata
  const { nodeAffinity: _, volumeAttributesClassName: __, ...spec } = volume.spec ?? {}
  const described = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: leafClaim.spec?.volumeName ?? '',
      labels: { [rootClusterLabel]: rootClusterId },
      annotations: {
        [globalAnnotation]: 'true',
        [rootUidAnnotation]: volume.metadata.uid,
        [rootNameAnnotation]: volume.metadata.name,
      },
    },
    spec: {
      ...spec,
      persistentVolumeReclaimPolicy: 'Retain',
      // The uid binds it at once.
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid },
    },
  }
  return described as unknown as KubeObject
}
