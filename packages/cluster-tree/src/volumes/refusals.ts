import type { ObjectKey, PersistentVolumeClaim } from '@kosmos/kube'
import type { ConfigurationRegistry } from '../configuration/registry.ts'
import { CopyRefused } from '../copies/write.ts'
import type { EventSink } from '../root/events.ts'
import { claimRefused } from './events.ts'

export interface ClaimRefusalsOptions {
  readonly clusterName: string
  /** Which pods need which claims. */
  readonly registry: Pick<ConfigurationRegistry, 'dependentsOf'>
  readonly events: EventSink
  readonly wake: (pod: ObjectKey) => void
}

/** Why the leaf does not have what claims of the root ask for: said on the claim, and to the pods that wait for it. */
export class ClaimRefusals {
  readonly #options: ClaimRefusalsOptions
  readonly #refusals = new Map<ObjectKey, string>()

  constructor(options: ClaimRefusalsOptions) {
    this.#options = options
  }

  get(key: ObjectKey): string | undefined {
    return this.#refusals.get(key)
  }

  /** Does a step for a claim, and takes up what becomes of it. @throws what the step throws */
  async around<T>(key: ObjectKey, claim: PersistentVolumeClaim | undefined, step: () => Promise<T>): Promise<T> {
    try {
      const result = await step()
      this.#refusals.delete(key)
      this.wakeDependents(key)
      return result
    } catch (error) {
      if (error instanceof CopyRefused && this.#refusals.get(key) !== error.message) {
        this.#refusals.set(key, error.message)
        if (claim) this.#options.events.record(claim, claimRefused(this.#options.clusterName, error.message))
        this.wakeDependents(key)
      }
      throw error
    }
  }

  wakeDependents(key: ObjectKey): void {
    for (const pod of this.#options.registry.dependentsOf(key)) this.#options.wake(pod)
  }
}
