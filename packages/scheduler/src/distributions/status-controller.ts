import { isDeepStrictEqual } from 'node:util'
import { distributionPolicyCondition, withCondition } from '@kosmos/api'
import { type Client, Controller, type ControllerOptions, isGone, keyOf, refOf, refused } from '@kosmos/kube'
import type { StoredDistribution } from './compiled-distribution.ts'
import { contestersOf } from './conflicts.ts'
import { type DistributionBook, scopeOf } from './distribution-book.ts'
import { clusterDistributionPolicies, distributionPolicies } from './resource.ts'

export interface DistributionStatusOptions {
  readonly root: Client
  readonly distributions: DistributionBook
  readonly synced: Promise<unknown>
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/** The status that a policy should have, or undefined if it has it. `now`: RFC 3339. Pure. */
export function distributionStatusOf(stored: StoredDistribution, contesters: readonly string[], now: string) {
  const present = stored.status ?? {}
  const observedGeneration = stored.metadata.generation ?? 0
  const condition =
    contesters.length > 0
      ? distributionPolicyCondition('Contested', { detail: contesters.join(', '), observedGeneration })
      : distributionPolicyCondition('AsWritten', { observedGeneration })
  const wanted = { observedGeneration, conditions: [...withCondition(present.conditions ?? [], condition, now)] }
  return isDeepStrictEqual(present, wanted) ? undefined : wanted
}

/** Says in the status of a policy whether another one contests it. Works on scopes, since policies of one are weighed together. */
export class DistributionStatusController {
  readonly controller: Controller
  readonly #options: DistributionStatusOptions

  constructor(options: DistributionStatusOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'distribution-status',
      reconcile: async (scope) => await this.#reconcile(scope),
      concurrency: 4,
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.synced)
  }

  changed(policy: StoredDistribution): void {
    this.controller.enqueueAfter(scopeOf(policy), 100)
  }

  async #reconcile(scope: string): Promise<undefined> {
    const entries = [...this.#options.distributions.in(scope)]
    const compiled = entries.map((entry) => entry.compiled)
    for (const entry of entries) await this.#write(entry.stored, contestersOf(entry.compiled, compiled))
  }

  async #write(stored: StoredDistribution, contesters: readonly string[]): Promise<void> {
    const status = distributionStatusOf(stored, contesters, new Date().toISOString())
    if (status === undefined) return
    const key = keyOf(stored)
    const resource = stored.kind === 'DistributionPolicy' ? distributionPolicies : clusterDistributionPolicies
    const patch = { metadata: { uid: stored.metadata.uid }, status }
    const options = { type: 'merge', subresource: 'status' } as const
    const outcome = await this.#options.root.patch(resource, refOf(key), patch, options)
    if (outcome.ok || isGone(outcome)) return
    throw refused(`${stored.kind} ${key}`, outcome)
  }
}
