import { keyOf, type ObjectKey, type Pod } from '@kosmos/kube'
import { type CompiledPolicy, compilePolicy, type StoredPolicy } from './compiled-policy.ts'
import { NamespacePolicies } from './namespace-policies.ts'
import type { Workload } from './workload.ts'

interface Entry {
  readonly stored: StoredPolicy
  readonly compiled: CompiledPolicy
}

/** The policies, by name and by namespace, each compiled once a generation. */
export class PolicyBook {
  readonly #entries = new Map<ObjectKey, Entry>()
  readonly #namespaces = new Map<string, NamespacePolicies>()

  get(key: ObjectKey): Entry | undefined {
    return this.#entries.get(key)
  }

  *all(): IterableIterator<CompiledPolicy> {
    for (const { compiled } of this.#entries.values()) yield compiled
  }

  /** The one that places a pod. */
  of(pod: Pod): CompiledPolicy | undefined {
    return this.#namespaces.get(pod.metadata.namespace)?.of(pod)
  }

  /** Those of a namespace that name a workload, the one that decides first. */
  naming(namespace: string, workload: Workload): readonly CompiledPolicy[] {
    return this.#namespaces.get(namespace)?.naming(workload) ?? []
  }

  /** The other policies that name the same workload. */
  namesakes({ metadata: { namespace, name }, spec: { workload } }: StoredPolicy): CompiledPolicy[] {
    return workload ? this.naming(namespace, workload).filter((other) => other.name !== name) : []
  }

  /** Whether it places pods otherwise than before; a new status is no such change. */
  set(stored: StoredPolicy): boolean {
    const key = keyOf(stored)
    const old = this.#entries.get(key)
    const { namespace, uid, generation } = stored.metadata
    if (old?.stored.metadata.uid === uid && old.stored.metadata.generation === generation) {
      this.#entries.set(key, { ...old, stored })
      return false
    }
    const compiled = compilePolicy(stored)
    this.#entries.set(key, { stored, compiled })
    const siblings = this.#namespaces.get(namespace) ?? new NamespacePolicies()
    siblings.set(compiled)
    this.#namespaces.set(namespace, siblings)
    return true
  }

  delete(stored: StoredPolicy): void {
    const key = keyOf(stored)
    const { namespace } = stored.metadata
    this.#entries.delete(key)
    const siblings = this.#namespaces.get(namespace)
    siblings?.delete(key)
    if (siblings?.size === 0) this.#namespaces.delete(namespace)
  }
}
