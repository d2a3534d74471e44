import { systemNamespace } from '@kosmos/api'
import { keyOf, type ObjectKey, type Pod } from '@kosmos/kube'
import { exempt } from '../policies/exempt.ts'
import { isOfDaemonSet } from '../policies/workload.ts'
import {
  type CompiledDistribution,
  compileDistribution,
  type Distribution,
  distributionOf,
  type StoredDistribution,
} from './compiled-distribution.ts'

interface Entry {
  readonly stored: StoredDistribution
  readonly compiled: CompiledDistribution
}

/** The scope of policies of the whole root. */
export const CLUSTER = ''

/** All DistributionPolicies and ClusterDistributionPolicies, each compiled once a generation. */
export class DistributionBook {
  readonly #scopes = new Map<string, Map<ObjectKey, Entry>>()

  /** What a pod goes by: what its namespace says, else what is said for all; pods of DaemonSets are for one node each. */
  of(pod: Pod): Distribution | undefined {
    const { namespace } = pod.metadata
    if (namespace === systemNamespace) return undefined
    if (isOfDaemonSet(pod)) return undefined
    const own = distributionOf(pod, this.#compiledIn(namespace))
    return own ?? (exempt.includes(namespace) ? undefined : distributionOf(pod, this.#compiledIn(CLUSTER)))
  }

  /** Policies that are weighed against each other. */
  in(scope: string): Iterable<Entry> {
    return this.#scopes.get(scope)?.values() ?? []
  }

  /** Whether it decides otherwise than before; a new status is no such change. */
  set(stored: StoredDistribution): boolean {
    const key = keyOf(stored)
    const entries = this.#scopes.get(scopeOf(stored)) ?? new Map<ObjectKey, Entry>()
    this.#scopes.set(scopeOf(stored), entries)
    const old = entries.get(key)
    const { uid, generation } = stored.metadata
    const isSame = old?.stored.metadata.uid === uid && old?.stored.metadata.generation === generation
    entries.set(key, { stored, compiled: isSame && old ? old.compiled : compileDistribution(stored) })
    return !isSame
  }

  delete(stored: StoredDistribution): void {
    const entries = this.#scopes.get(scopeOf(stored))
    entries?.delete(keyOf(stored))
    if (entries?.size === 0) this.#scopes.delete(scopeOf(stored))
  }

  *#compiledIn(scope: string): IterableIterator<CompiledDistribution> {
    for (const { compiled } of this.in(scope)) yield compiled
  }
}

/** The namespace of a policy; empty for one of the whole root. */
export function scopeOf(stored: StoredDistribution): string {
  return stored.kind === 'DistributionPolicy' ? stored.metadata.namespace : CLUSTER
}
