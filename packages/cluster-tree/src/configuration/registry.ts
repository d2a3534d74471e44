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
  /** Of the dependents those that cannot do without. */
  readonly #requiredBy = new Map<ConfigurationKey, Set<ObjectKey>>()

  /** States what a pod needs, and what of it it can do without; returns the keys that gained their first or lost their last dependent. */
  set(
    pod: ObjectKey,
    needs: readonly ConfigurationKey[],
    optional: readonly ConfigurationKey[] = [],
  ): ConfigurationKey[] {
    this.#require(
      pod,
      needs.filter((key) => !optional.includes(key)),
    )
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

  #require(pod: ObjectKey, required: readonly ConfigurationKey[]): void {
    for (const key of this.#needs.get(pod) ?? []) {
      const pods = this.#requiredBy.get(key)
      pods?.delete(pod)
      if (pods?.size === 0) this.#requiredBy.delete(key)
    }
    for (const key of required) {
      const pods = this.#requiredBy.get(key) ?? new Set()
      this.#requiredBy.set(key, pods.add(pod))
    }
  }

  /** Whether a pod needs it that cannot do without. */
  isRequired(key: ConfigurationKey): boolean {
    return this.#requiredBy.has(key)
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
