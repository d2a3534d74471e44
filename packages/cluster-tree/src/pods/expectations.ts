import type { KubeObject, ObjectKey } from '@kosmos/kube'

/**
 * Writes whose effect the cache does not show yet. Until it does, deciding again would decide on the past and write the
 * same once more. The watch event that ends the wait also brings the key back, so nothing has to be retried here.
 */
export class Expectations {
  readonly #expected = new Map<ObjectKey, { resourceVersion: bigint; until: number }>()
  readonly #patienceMs: number

  /** `patienceMs`: when an event is overdue for this long, the cache counts again as it is. */
  constructor(patienceMs = 5_000) {
    this.#patienceMs = patienceMs
  }

  /** States that the cache will show the object at this version, or a later one, or its deletion. */
  expect(key: ObjectKey, written: KubeObject): void {
    const resourceVersion = versionOf(written)
    if (resourceVersion === undefined) return
    this.#expected.set(key, { resourceVersion, until: performance.now() + this.#patienceMs })
  }

  /** Whether what was written is still to appear; `seen` is what the cache holds. */
  isPending(key: ObjectKey, seen: KubeObject | undefined): boolean {
    const expected = this.#expected.get(key)
    if (!expected) return false
    const version = seen && versionOf(seen)
    const arrived = version !== undefined && version >= expected.resourceVersion
    if (!arrived && performance.now() < expected.until) return true
    this.#expected.delete(key)
    return false
  }

  forget(key: ObjectKey): void {
    this.#expected.delete(key)
  }
}

/** Resource versions of one resource are numbers that grow (KEP-5504). */
function versionOf(object: KubeObject): bigint | undefined {
  const version = object.metadata?.resourceVersion
  return version && /^\d+$/.test(version) ? BigInt(version) : undefined
}
