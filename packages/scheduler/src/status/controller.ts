import {
  type Client,
  Controller,
  type ControllerOptions,
  isGone,
  type ObjectKey,
  type Requeue,
  refOf,
  refused,
} from '@kosmos/kube'
import type { PlacementState } from '../placement/state.ts'
import { workloadPolicies } from '../policies/resource.ts'
import { Settling } from './settling.ts'
import { statusOf } from './status.ts'

export interface StatusOptions {
  readonly root: Client
  readonly state: PlacementState
  readonly synced: Promise<unknown>
  readonly onReconcile?: ControllerOptions<ObjectKey>['onReconcile']
}

/** What has changed is written when nothing more has for so long. */
const STILL_MS = 500

/** So late at most where pods come and go all the time: a thousand that get their places are a few writes, not a thousand. */
const COUNTS_WITHIN_MS = 3_000

/** Writes what became of a policy into its status. */
export class StatusController {
  readonly controller: Controller<ObjectKey>
  readonly #options: StatusOptions
  readonly #settling = new Settling<ObjectKey>({ stillMs: STILL_MS })

  constructor(options: StatusOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'policy-status',
      reconcile: async (key) => await this.#reconcile(key),
      concurrency: 8,
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.synced)
  }

  /** The policy itself has changed, or what the next leader is to know about it. */
  changed(policy: ObjectKey): void {
    this.#moved(policy, STILL_MS)
  }

  /** The counts of a policy have changed. */
  counted(policy: ObjectKey): void {
    this.#moved(policy, COUNTS_WITHIN_MS)
  }

  #moved(policy: ObjectKey, withinMs: number): void {
    this.#settling.moved(policy, withinMs)
    this.controller.enqueueAfter(policy, STILL_MS)
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const afterMs = this.#settling.dueInMs(key)
    if (afterMs > 0) return { afterMs }
    const { root, state } = this.#options
    const { policies, ledger, refusals } = state
    const found = policies.get(key)
    if (found === undefined) return
    const findings = { groups: [...ledger.groupsOf(key)], refusals: refusals.of(key) }
    const status = statusOf(found.stored, found.compiled, findings, new Date().toISOString())
    if (status === undefined) return
    const patch = { metadata: { uid: found.stored.metadata.uid }, status }
    const outcome = await root.patch(workloadPolicies, refOf(key), patch, { type: 'merge', subresource: 'status' })
    if (outcome.ok || isGone(outcome)) return
    throw refused(`WorkloadPolicy ${key}`, outcome)
  }
}
