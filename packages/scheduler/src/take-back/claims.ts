import { type Client, type Pod, persistentVolumeClaims, persistentVolumes, storageClasses } from '@kosmos/kube'
import { type Hold, holdOf, type SeenClaim } from './hold.ts'

/** The claims of a pod that outlive it; one of an ephemeral volume goes with it. Pure. */
export function claimsOf({ spec }: Pod): string[] {
  return spec.volumes?.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []) ?? []
}

/** The first claim that keeps a pod where it is; undefined: none does. Live reads, for the few pods that it is asked about. */
export async function readHold(root: Client, pod: Pod): Promise<Hold | undefined> {
  for (const name of claimsOf(pod)) {
    const hold = holdOf(await seen(root, pod.metadata.namespace, name))
    if (hold) return hold
  }
  return undefined
}

async function seen(root: Client, namespace: string, name: string): Promise<SeenClaim> {
  const claim = await root.get(persistentVolumeClaims, { namespace, name })
  const { volumeName, storageClassName } = claim?.spec ?? {}
  const volume = volumeName ? await root.get(persistentVolumes, { name: volumeName }) : undefined
  const isUnbound = !volumeName && storageClassName
  const storageClass = isUnbound ? await root.get(storageClasses, { name: storageClassName }) : undefined
  return { name, claim, volume, storageClass }
}
