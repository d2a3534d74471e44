import { type SeenClaim, selectedNodeAnnotation } from '../volumes/claims.ts'

/** A claim for which the successor of a pod would be no better off in another place. */
export interface Hold {
  readonly claim: string
  /**
   * `volume`: it has one that only some nodes reach. `oneNode`: it has one that only one node mounts at a time. `begun`: one is being made for a node.
   * `class`: its StorageClass has it only in some places. `unbound`: it has none, and waits for no pod. `missing`: there is no such claim.
   */
  readonly by: 'volume' | 'oneNode' | 'begun' | 'class' | 'unbound' | 'missing'
  /** The PersistentVolume, Node or StorageClass. */
  readonly what: string
}

const sharedModes: readonly string[] = ['ReadWriteMany', 'ReadOnlyMany']

/** What keeps a pod with this claim where it is, or waiting wherever it is; undefined: nothing, another place may have it. Pure. */
export function holdOf({ name, claim, volume, storageClass }: SeenClaim): Hold | undefined {
  const by = (by: Hold['by'], what = ''): Hold => ({ claim: name, by, what })
  if (claim === undefined) return by('missing')
  const { volumeName, accessModes = [] } = claim.spec ?? {}
  if (volumeName) {
    if (volume === undefined) return by('unbound')
    if (volume.spec?.nodeAffinity?.required) return by('volume', volumeName)
    return accessModes.some((mode) => sharedModes.includes(mode)) ? undefined : by('oneNode', volumeName)
  }
  const node = claim.metadata.annotations?.[selectedNodeAnnotation]
  if (node) return by('begun', node)
  if (storageClass?.volumeBindingMode !== 'WaitForFirstConsumer') return by('unbound')
  return storageClass.allowedTopologies?.length ? by('class', storageClass.metadata.name) : undefined
}

/** The first claim that keeps a pod where it is; undefined: none does. Pure. */
export function holdIn(claims: readonly SeenClaim[]): Hold | undefined {
  return claims.map(holdOf).find((hold) => hold !== undefined)
}

/** Whether a claim may be held otherwise soon, without a word from the pod. Pure. */
export function mayPass({ by }: Hold): boolean {
  return by === 'begun' || by === 'unbound' || by === 'missing'
}
