import { orphanLabel, rootResourceVersionAnnotation } from '@kosmos/api'
import { keyOf, type ObjectKey, type Pod, type Store } from '@kosmos/kube'

/**
 * Whether a copy was made by a later root than the one that is there: the root was restored from a snapshot and does not remember
 * the pod, which is not the same as somebody having deleted it. `rootVersion`: the resourceVersion that the root's pods have
 * reached. API servers let versions be compared (KEP-5504). Pure.
 */
export function isOrphan({ metadata: { labels, annotations } }: Pod, rootVersion: string | undefined): boolean {
  if (labels?.[orphanLabel] !== undefined) return true
  const [made, reached] = [versionOf(annotations?.[rootResourceVersionAnnotation]), versionOf(rootVersion)]
  return made !== undefined && reached !== undefined && made > reached
}

function versionOf(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? BigInt(text) : undefined
}

export interface OrphansOptions {
  readonly leafPods: Store<Pod, 'namespace'>
  readonly rootVersion: () => string | undefined
  readonly isKnown: (key: ObjectKey) => boolean
}

/** Where in a leaf there are orphans: what they mount is kept with them. Costs nothing while there are none. */
export class Orphans {
  readonly #options: OrphansOptions
  readonly #marked = new Set<ObjectKey>()
  #newest = 0n

  constructor(options: OrphansOptions) {
    this.#options = options
    options.leafPods.subscribe(({ type, key, object }) => {
      const { labels, annotations } = object.metadata
      const made = versionOf(annotations?.[rootResourceVersionAnnotation]) ?? 0n
      if (made > this.#newest) this.#newest = made
      if (type !== 'deleted' && labels?.[orphanLabel] !== undefined) this.#marked.add(key)
      else this.#marked.delete(key)
    })
  }

  areIn(namespace: string): boolean {
    const { leafPods, rootVersion, isKnown } = this.#options
    const reached = rootVersion()
    if (this.#marked.size === 0 && this.#newest <= (versionOf(reached) ?? 0n)) return false
    for (const pod of leafPods.by('namespace', namespace)) {
      if (!isKnown(keyOf(pod)) && isOrphan(pod, reached)) return true
    }
    return false
  }
}
