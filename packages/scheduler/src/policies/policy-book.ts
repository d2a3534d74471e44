import { keyOf, type ObjectKey } from '@kosmos/kube'
import { type CompiledPolicy, compilePolicy, type StoredPolicy } from './compiled-policy.ts'

interface Entry {
  readonly stored: StoredPolicy
  readonly compiled: CompiledPolicy
}

/** The policies, by name and by namespace, each compiled once a generation. */
export class PolicyBook {
  readonly #entries = new Map<ObjectKey, Entry>()
  readonly #byNamespace = new Map<string, Map<ObjectKey, CompiledPolicy>>()

  get(key: ObjectKey): Entry | undefined {
    return this.#entries.get(key)
  }

  *all(): IterableIterator<CompiledPolicy> {
    for (const { compiled } of this.#entries.values()) yield compiled
  }

  /** The other policies that name the same workload. */
  namesakes({ metadata, spec }: StoredPolicy): CompiledPolicy[] {
    const { workload } = spec
    if (workload === undefined) return []
    return [...this.in(metadata.namespace)].filter(({ key, name }) => {
      const its = this.get(key)?.stored.spec.workload
      return name !== metadata.name && its?.kind === workload.kind && its.name === workload.name
    })
  }

  in(namespace: string): Iterable<CompiledPolicy> {
    return this.#byNamespace.get(namespace)?.values() ?? []
  }

  /** Whether it places pods otherwise than before; a new status is no such change. */
  set(stored: StoredPolicy): boolean {
    const key = keyOf(stored)
    const old = this.#entries.get(key)
    const { uid, generation } = stored.metadata
    const isSame = old?.stored.metadata.uid === uid && old?.stored.metadata.generation === generation
    const compiled = isSame && old ? old.compiled : compilePolicy(stored)
    this.#entries.set(key, { stored, compiled })
    const { namespace } = stored.metadata
    const siblings = this.#byNamespace.get(namespace) ?? new Map<ObjectKey, CompiledPolicy>()
    this.#byNamespace.set(namespace, siblings.set(key, compiled))
    return !isSame
  }

  delete(stored: StoredPolicy): void {
    const key = keyOf(stored)
    this.#entries.delete(key)
    const siblings = this.#byNamespace.get(stored.metadata.namespace)
    siblings?.delete(key)
    if (siblings?.size === 0) this.#byNamespace.delete(stored.metadata.namespace)
  }
}
