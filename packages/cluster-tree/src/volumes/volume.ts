import { clusterLabel, leafNodeModeAnnotation, leafNodeModes, leafProvisioner, leafVolumeFinalizer } from '@kosmos/api'
import type { KubeObject, Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@kosmos/kube'

/** The node that the root's scheduler chose for the first pod of a claim (k8s.io/component-helpers/storage/volume). */
export const selectedNodeAnnotation = 'volume.kubernetes.io/selected-node'
const provisionedByAnnotation = 'pv.kubernetes.io/provisioned-by'

/** Whether the volumes of a class are made by leaves. Pure. */
export function isOfLeaves(storageClass: StorageClass | undefined): boolean {
  return storageClass?.provisioner === leafProvisioner
}

/** The claim that a volume of ours was made for. Pure. */
export function claimKeyOf({ spec }: PersistentVolume): string {
  const { namespace, name } = spec?.claimRef ?? {}
  return `${namespace}/${name}`
}

/**
 * The root's volume for a claim whose real volume a leaf will make: bound to this incarnation of the claim, which releases the
 * scheduler, and to be used where it is. A virtual node that stands for a part of its leaf keeps it, because the part may be
 * all that reaches it. Pure.
 */
export function provisionedVolume(claim: PersistentVolumeClaim, storageClass: StorageClass, node: Node): KubeObject {
  const { name, namespace, uid } = claim.metadata
  const { accessModes, resources, volumeMode, storageClassName, volumeAttributesClassName } = claim.spec ?? {}
  const cluster = node.metadata.labels?.[clusterLabel] ?? ''
  const isWhole = node.metadata.annotations?.[leafNodeModeAnnotation] === leafNodeModes.cluster
  const place = isWhole
    ? { key: clusterLabel, operator: 'In', values: [cluster] }
    : { key: 'kubernetes.io/hostname', operator: 'In', values: [node.metadata.name] }
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: `pvc-${uid}`,
      labels: { [clusterLabel]: cluster },
      annotations: { [provisionedByAnnotation]: leafProvisioner },
      finalizers: [leafVolumeFinalizer],
    },
    spec: {
      capacity: { storage: resources?.requests?.storage ?? '0' },
      accessModes: [...(accessModes ?? [])],
      ...(volumeMode && { volumeMode }),
      ...(storageClassName && { storageClassName }),
      ...(volumeAttributesClassName && { volumeAttributesClassName }),
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      // The uid binds it at once, and to no later claim of that name.
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [place] }] } },
      csi: { driver: leafProvisioner, volumeHandle: uid },
    },
  }
  return volume
}
