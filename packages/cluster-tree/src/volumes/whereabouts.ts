import { clusterLabel, leafProvisioner } from '@kosmos/api'
import type { PersistentVolume, PersistentVolumeClaim } from '@kosmos/kube'

/** Where the volume of a claim is, as the root knows it. */
export type Whereabouts =
  | { readonly kind: 'nowhere'; readonly exists: boolean }
  | { readonly kind: 'root' }
  | { readonly kind: 'leaf'; readonly cluster: string }

/** @param volumes that stand for one in a leaf and were made for a claim of this name. Pure. */
export function whereaboutsOf(
  claim: PersistentVolumeClaim | undefined,
  volumes: Iterable<PersistentVolume>,
): Whereabouts {
  const volumeName = claim?.spec?.volumeName
  if (!volumeName) return { kind: 'nowhere', exists: claim !== undefined }
  const cluster = [...volumes].find(({ metadata }) => metadata.name === volumeName)?.metadata.labels?.[clusterLabel]
  return cluster === undefined ? { kind: 'root' } : { kind: 'leaf', cluster }
}

/** Why pods of a leaf do not get a volume that is not there, and what to do. Pure. */
export function saidElsewhere({ spec }: PersistentVolumeClaim, whereabouts: Whereabouts, cluster: string): string {
  const { volumeName = '', storageClassName } = spec ?? {}
  if (whereabouts.kind === 'leaf') {
    const there = whereabouts.cluster
    return `its volume ${volumeName} is in cluster ${there}, and the pod was bound to a node of ${cluster}: make it anew with nodeSelector ${clusterLabel}: ${there}`
  }
  const [of, share] = storageClassName
    ? [
        ` of StorageClass ${storageClassName}`,
        `name the class in sharedStorageClasses of Cluster ${cluster} if that reaches it, `,
      ]
    : ['', '']
  return `its volume ${volumeName}${of} is the root's, and cluster ${cluster} is not said to reach it: ${share}keep the pod off virtual nodes (if it is a folder of a node, by a node affinity of the volume), or use a StorageClass with provisioner ${leafProvisioner}`
}
