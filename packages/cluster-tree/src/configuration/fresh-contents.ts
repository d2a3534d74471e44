import type { KubeObject } from '@kosmos/kube'
import type { ConfigurationKey } from './registry.ts'

/** Characters of content; what is larger is read when it is copied. */
const LARGEST = 16 * 1024
/** Objects: together with {@link LARGEST} the most that a leaf holds, which may be away for hours. */
const MOST = 1_000

/**
 * ConfigMaps and Secrets of the root that a change has just brought, until they are copied: that spares a GET each. Holds no
 * more than {@link MOST} small ones; what it does not hold is read.
 */
export class FreshContents {
  readonly #held = new Map<ConfigurationKey, KubeObject>()

  /** Takes the place of what it holds under the key. Metadata alone is no content. */
  keep(key: ConfigurationKey, object: KubeObject): void {
    this.#held.delete(key)
    if (object.kind === 'PartialObjectMetadata' || this.#held.size >= MOST || sizeOf(object) > LARGEST) return
    this.#held.set(key, object)
  }

  /** Gives it away. */
  take(key: ConfigurationKey): KubeObject | undefined {
    const object = this.#held.get(key)
    this.#held.delete(key)
    return object
  }
}

/** Characters of its values: what else there is to it is bounded by the API server, or of no account. */
function sizeOf(object: KubeObject & Contents): number {
  const { data = {}, binaryData = {} } = object
  const annotations = object.metadata?.annotations ?? {}
  return [data, binaryData, annotations]
    .flatMap((values) => Object.values(values))
    .reduce((sum, { length }) => sum + length, 0)
}

interface Contents {
  readonly data?: Readonly<Record<string, string>>
  readonly binaryData?: Readonly<Record<string, string>>
}
