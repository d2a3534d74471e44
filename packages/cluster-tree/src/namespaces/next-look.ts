import { orphanLabel, rootClusterLabel } from '@kosmos/api'
import { type KubeObject, persistentVolumeClaims, type Resource } from '@kosmos/kube'

/** While the last copies end. */
const ENDING_MS = 3_000
/** While there is what stays for as long as somebody likes: claims with reclaim policy Retain, orphans with what they mount. */
const STAYING_MS = 60_000

/** When to look again whether a namespace that the root has deleted is empty. Fed with what is in it. */
export class NextLook {
  readonly #rootClusterId: string
  #ours = 0
  #claims = 0
  #hasOrphan = false

  constructor(rootClusterId: string) {
    this.#rootClusterId = rootClusterId
  }

  /** Whether an object is of ours. */
  note({ metadata }: KubeObject, { plural }: Pick<Resource, 'plural'>): boolean {
    const { labels } = metadata ?? {}
    if (labels?.[rootClusterLabel] !== this.#rootClusterId) return false
    this.#ours++
    if (plural === persistentVolumeClaims.plural) this.#claims++
    if (labels[orphanLabel] !== undefined) this.#hasOrphan = true
    return true
  }

  /** Undefined: nothing of ours is left. */
  get afterMs(): number | undefined {
    if (this.#ours === 0) return undefined
    return this.#hasOrphan || this.#ours === this.#claims ? STAYING_MS : ENDING_MS
  }
}
