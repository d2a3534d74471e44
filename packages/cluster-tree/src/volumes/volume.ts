import {
  clusterLabel,
  leafClaimAnnotation,
  leafNodeModeAnnotation,
  leafNodeModes,
  leafProvisioner,
  leafVolumeFinalizer,
} from '@kosmos/api'
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
  const cluster = node.metadata.labels?.[clusterLabel] ?? ''
  const isWhole = node.metadata.annotations?.[leafNodeModeAnnotation] === leafNodeModes.cluster
  return volumeFor(claim, {
    name: `pvc-${claim.metadata.uid}`,
    cluster,
    ...(!isWhole && { virtualNode: node.metadata.name }),
    capacity: claim.spec?.resources?.requests?.storage ?? '0',
    reclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
    annotations: { [provisionedByAnnotation]: leafProvisioner },
  })
}

/** The root's volume for a claim of the root that a claim of a leaf, which was there before, is to fulfil. Pure. */
export function importedVolume(
  claim: PersistentVolumeClaim,
  leafClaim: PersistentVolumeClaim,
  { cluster, reclaimPolicy }: { readonly cluster: string; readonly reclaimPolicy: 'Retain' | 'Delete' },
): KubeObject {
  return volumeFor(claim, {
    name: importedVolumeName(leafClaim),
    cluster,
    capacity: leafClaim.status?.capacity?.storage ?? '0',
    reclaimPolicy,
    annotations: { [leafClaimAnnotation]: leafClaim.metadata.uid },
  })
}

/** What the root calls the volume of a leaf's claim that is brought in. Pure. */
export function importedVolumeName({ metadata }: PersistentVolumeClaim): string {
  return `leaf-${metadata.uid}`
}

interface VolumeParts {
  readonly name: string
  readonly cluster: string
  /** Where it is bound to a part of the leaf. */
  readonly virtualNode?: string
  readonly capacity: string
  readonly reclaimPolicy: string
  readonly annotations: Readonly<Record<string, string>>
}

function volumeFor(claim: PersistentVolumeClaim, parts: VolumeParts): KubeObject {
  const { name: claimName, namespace, uid } = claim.metadata
  const { accessModes, volumeMode, storageClassName, volumeAttributesClassName } = claim.spec ?? {}
  const { name, cluster, virtualNode, capacity, reclaimPolicy, annotations } = parts
  const place = virtualNode
    ? { key: 'kubernetes.io/hostname', operator: 'In', values: [virtualNode] }
    : { key: clusterLabel, operator: 'In', values: [cluster] }
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, labels: { [clusterLabel]: cluster }, annotations, finalizers: [leafVolumeFinalizer] },
    spec: {
      capacity: { storage: capacity },
      accessModes: [...(accessModes ?? [])],
      ...(volumeMode && { volumeMode }),
      ...(storageClassName && { storageClassName }),
      ...(volumeAttributesClassName && { volumeAttributesClassName }),
      persistentVolumeReclaimPolicy: reclaimPolicy,
      // The uid binds it at once, and to no later claim of that name.
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: claimName, uid },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [place] }] } },
      csi: { driver: leafProvisioner, volumeHandle: uid },
    },
  }
  return volume
}
