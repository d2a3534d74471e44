import {
  type Client,
  Controller,
  type ControllerOptions,
  isGone,
  type Node,
  type ObjectKey,
  refOf,
  refused,
} from '@kosmos/kube'
import type { PlacementState } from '../placement/state.ts'
import { isBefore } from '../policies/compiled-policy.ts'
import { workloadPolicies } from '../policies/resource.ts'
import { statusOf } from './status.ts'

export interface StatusOptions {
  readonly root: Client
  readonly state: PlacementState
  readonly synced: Promise<unknown>
  readonly onReconcile?: ControllerOptions<ObjectKey>['onReconcile']
}

/** A thousand pods that get their places are some writes of the status, not a thousand. */
const SETTLE_MS = 500
/** While pods come and go all the time: a write costs the API server as much as three pods get their places for (ADR 61). */
const PACE_MS = 3_000

/** Writes what became of a policy into its status. */
export class StatusController {
  readonly controller: Controller<ObjectKey>
  readonly #options: StatusOptions
  /** When each policy was written last. */
  readonly #writtenAt = new Map<ObjectKey, number>()

  constructor(options: StatusOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'policy-status',
      reconcile: async (key) => await this.#reconcile(key),
      concurrency: 8,
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.synced)
  }

  /** What a policy says, or where its pods may be, has changed. */
  changed(policy: ObjectKey): void {
    this.controller.enqueueAfter(policy, SETTLE_MS)
  }

  /** The counts of a policy have changed. */
  countsChanged(policy: ObjectKey): void {
    const paceMs = (this.#writtenAt.get(policy) ?? Number.NEGATIVE_INFINITY) + PACE_MS - performance.now()
    this.controller.enqueueAfter(policy, Math.max(SETTLE_MS, paceMs))
  }

  /** A node has appeared, gone, or has other labels: a value may have its first node now, or may have had its last one. */
  nodeChanged(before: Node | undefined, now: Node | undefined): void {
    for (const { key, topologyKey, shares } of this.#options.state.policies.all()) {
      const [lost, won] = [before, now].map((node) => node?.metadata.labels?.[topologyKey])
      if (lost !== won && shares.some(({ name }) => name === lost || name === won)) this.changed(key)
    }
  }

  async #reconcile(key: ObjectKey): Promise<undefined> {
    const { root, state } = this.#options
    const { policies, ledger, vacancies } = state
    const found = policies.get(key)
    if (found === undefined) {
      this.#writtenAt.delete(key)
      return
    }
    const findings = {
      groups: [...ledger.groupsOf(key)],
      refusals: vacancies.refusals.of(key),
      absent: state.absentOf(found.compiled),
      before: policies.namesakes(found.stored).find((other) => isBefore(other, found.compiled))?.name,
    }
    const status = statusOf(found.stored, found.compiled, findings, new Date().toISOString())
    if (status === undefined) return
    this.#writtenAt.set(key, performance.now())
    const patch = { metadata: { uid: found.stored.metadata.uid }, status }
    const outcome = await root.patch(workloadPolicies, refOf(key), patch, { type: 'merge', subresource: 'status' })
    if (outcome.ok || isGone(outcome)) return
    throw refused(`WorkloadPolicy ${key}`, outcome)
  }
}
