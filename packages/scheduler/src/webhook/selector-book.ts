import { systemNamespace } from '@kosmos/api'
import { keyOf, type ObjectKey } from '@kosmos/kube'
import type { StoredDistribution } from '../distributions/compiled-distribution.ts'
import { CLUSTER, scopeOf } from '../distributions/distribution-book.ts'
import { exempt } from '../policies/exempt.ts'
import { mayMean, type NewPod } from './may-mean.ts'

interface Entry {
  /** Uid and generation. */
  readonly version: string
  readonly selectors: readonly ReturnType<typeof mayMean>[]
}

/** Which pods DistributionPolicies may mean, read once a generation and not for each pod. */
export class SelectorBook {
  readonly #scopes = new Map<string, Map<ObjectKey, Entry>>()

  set(stored: StoredDistribution): void {
    const [scope, key] = [scopeOf(stored), keyOf(stored)]
    const entries = this.#scopes.get(scope) ?? new Map<ObjectKey, Entry>()
    this.#scopes.set(scope, entries)
    const version = `${stored.metadata.uid}/${stored.metadata.generation}`
    if (entries.get(key)?.version === version) return
    entries.set(key, { version, selectors: stored.spec.resourceSelectors.map(mayMean) })
  }

  delete(stored: StoredDistribution): void {
    const entries = this.#scopes.get(scopeOf(stored))
    entries?.delete(keyOf(stored))
    if (entries?.size === 0) this.#scopes.delete(scopeOf(stored))
  }

  /** Whether a policy of its namespace, or of the whole root, may mean a pod. None means our own. */
  mayMean(pod: NewPod): boolean {
    const { namespace = '' } = pod.metadata
    if (namespace === systemNamespace) return false
    return this.#isMeantIn(namespace, pod) || (!exempt.includes(namespace) && this.#isMeantIn(CLUSTER, pod))
  }

  #isMeantIn(scope: string, pod: NewPod): boolean {
    for (const { selectors } of this.#scopes.get(scope)?.values() ?? []) {
      if (selectors.some((isMeant) => isMeant(pod))) return true
    }
    return false
  }
}
