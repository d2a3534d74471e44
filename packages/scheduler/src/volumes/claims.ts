import {
  type Client,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageClass,
  storageClasses,
} from '@kosmos/kube'

/** A claim as the root has it, with what says where its volume may be. */
export interface SeenClaim {
  readonly name: string
  /** Each undefined: the root has none. */
  readonly claim: PersistentVolumeClaim | undefined
  readonly volume: PersistentVolume | undefined
  readonly storageClass: StorageClass | undefined
}

/** Set by kube-scheduler on a claim that waited for its first pod, and taken away by a provisioner that has to give up (KEP-490). */
export const selectedNodeAnnotation = 'volume.kubernetes.io/selected-node'

/** The claims of a pod that outlive it; one of an ephemeral volume goes with it. Pure. */
export function claimsOf({ spec }: Pod): string[] {
  return spec.volumes?.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []) ?? []
}

/** The claims of a pod as they are now: live reads, for the few pods that it is asked about. */
export async function readClaims(root: Client, pod: Pod): Promise<SeenClaim[]> {
  return await Promise.all(claimsOf(pod).map((name) => seen(root, pod.metadata.namespace, name)))
}

async function seen(root: Client, namespace: string, name: string): Promise<SeenClaim> {
  const claim = await root.get(persistentVolumeClaims, { namespace, name })
  const { volumeName, storageClassName } = claim?.spec ?? {}
  const volume = volumeName ? await root.get(persistentVolumes, { name: volumeName }) : undefined
  const isUnbound = !volumeName && storageClassName
  const storageClass = isUnbound ? await root.get(storageClasses, { name: storageClassName }) : undefined
  return { name, claim, volume, storageClass }
}
