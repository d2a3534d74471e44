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

  /**
   * States what a pod needs, and what of it it can do without; returns the keys that gained their first or lost their last dependent,
   * of all or of those that cannot do without.
   */
  set(
    pod: ObjectKey,
    needs: readonly ConfigurationKey[],
    optional: readonly ConfigurationKey[] = [],
  ): ConfigurationKey[] {
    const before = this.#needs.get(pod) ?? []
    const required = needs.filter((key) => !optional.includes(key))
    const turned = [...move(this.#dependents, pod, before, needs), ...move(this.#requiredBy, pod, before, required)]
    if (needs.length > 0) this.#needs.set(pod, needs)
    else this.#needs.delete(pod)
    return [...new Set(turned)]
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

/** Takes a pod out of the sets of some keys and puts it into those of others; returns the keys whose set came or went. */
function move(
  sets: Map<ConfigurationKey, Set<ObjectKey>>,
  pod: ObjectKey,
  from: readonly ConfigurationKey[],
  to: readonly ConfigurationKey[],
): ConfigurationKey[] {
  const turned: ConfigurationKey[] = []
  for (const key of from) {
    const pods = sets.get(key)
    if (to.includes(key) || !pods?.delete(pod) || pods.size > 0) continue
    sets.delete(key)
    turned.push(key)
  }
  for (const key of to) {
    const pods = sets.get(key)
    if (pods) pods.add(pod)
    else {
      sets.set(key, new Set([pod]))
      turned.push(key)
    }
  }
  return turned
}
