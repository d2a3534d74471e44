import type { Client, ReconcileObservation } from '@kosmos/kube'
import type { Log, ProcessMetrics } from '@kosmos/kube/process'
import { DiscoveryController } from './control/discovery.ts'
import { LinkState } from './control/link-state.ts'
import { MembersController } from './control/members.ts'
import { PlanningController } from './control/planning.ts'

export interface ClusterLinkOptions {
  readonly root: Client
  readonly log: Log
  readonly metrics: ProcessMetrics
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/**
 * The controllers of ClusterLink: Clusters → connections with them → what is found there (ClusterNodes) → the plan → a
 * NodeConfig on each node, whose agent says what came of it.
 */
export class ClusterLink {
  readonly #state: LinkState
  readonly #members: MembersController
  readonly #discovery: DiscoveryController
  readonly #planning: PlanningController

  constructor({ root, log, metrics, onReconcile }: ClusterLinkOptions) {
    const state = new LinkState(root)
    const common = { state, ...(onReconcile && { onReconcile }) }
    this.#state = state
    this.#discovery = new DiscoveryController(common)
    this.#planning = new PlanningController(common)
    const changed = (cluster: string) => {
      this.#discovery.controller.enqueue(cluster)
      this.#planning.controller.enqueue(cluster)
    }
    this.#members = new MembersController({ ...common, log, metrics, changed })
  }

  get synced(): Promise<void> {
    return this.#state.synced
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const controllers = [this.#members, this.#discovery.controller, this.#planning.controller]
    await Promise.all([this.#state.run(signal), ...controllers.map((one) => one.run(signal))])
  }
}
