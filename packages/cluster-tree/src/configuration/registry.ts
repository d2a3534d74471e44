import type { ObjectKey } from '@kosmos/kube'

/** Names a ConfigMap or Secret of the root: `configmaps/<namespace>/<name>` or `secrets/<namespace>/<name>`. */
export type ConfigurationKey = string

/**
 * Which pods of a leaf need which ConfigMaps and Secrets. Kept from the pods' own changes, so it is whole as soon as the
 * pods are, and nothing is collected because it was not asked for yet.
 */
export class ConfigurationRegistry {
  readonly #needs = new Map<ObjectKey, readonly ConfigurationKey[]>()
  readonly #dependents = new Map<ConfigurationKey, Set<ObjectKey>>()

  /** States what a pod needs; returns the keys that gained their first or lost their last dependent. */
  set(pod: ObjectKey, needs: readonly ConfigurationKey[]): ConfigurationKey[] {
    const before = this.#needs.get(pod) ?? []
    const turned: ConfigurationKey[] = []
    for (const key of before) {
      if (needs.includes(key)) continue
      const pods = this.#dependents.get(key)
      pods?.delete(pod)
      if (pods?.size === 0) {
        this.#dependents.delete(key)
        turned.push(key)
      }
    }
    for (const key of needs) {
      const pods = this.#dependents.get(key)
      if (pods) pods.add(pod)
      else {
        this.#dependents.set(key, new Set([pod]))
        turned.push(key)
      }
    }
    if (needs.length > 0) this.#needs.set(pod, needs)
    else this.#needs.delete(pod)
    return turned
  }

  dependentsOf(key: ConfigurationKey): Iterable<ObjectKey> {
    return this.#dependents.get(key) ?? []
  }

  isNeeded(key: ConfigurationKey): boolean {
    return this.#dependents.has(key)
  }

  keys(): Iterable<ConfigurationKey> {
    return this.#dependents.keys()
  }
}
