import type { ObjectKey, PersistentVolumeClaim } from '@kosmos/kube'
import type { ConfigurationRegistry } from '../configuration/registry.ts'
import { CopyRefusals } from '../copies/refusals.ts'
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
  readonly #refusals = new CopyRefusals<ObjectKey>()

  constructor(options: ClaimRefusalsOptions) {
    this.#options = options
  }

  get(key: ObjectKey): string | undefined {
    return this.#refusals.get(key)
  }

  /** Does a step for a claim, and takes up what becomes of it. @throws what the step throws */
  async around<T>(key: ObjectKey, claim: PersistentVolumeClaim | undefined, step: () => Promise<T>): Promise<T> {
    const { events, clusterName } = this.#options
    const result = await this.#refusals.around(key, step, (why, isNews) => {
      if (!isNews) return
      if (claim) events.record(claim, claimRefused(clusterName, why))
      this.wakeDependents(key)
    })
    this.wakeDependents(key)
    return result
  }

  wakeDependents(key: ObjectKey): void {
    for (const pod of this.#options.registry.dependentsOf(key)) this.#options.wake(pod)
  }
}
