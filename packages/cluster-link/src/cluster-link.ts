import type { Client, ReconcileObservation } from '@kosmos/kube'
import type { Log, ProcessMetrics } from '@kosmos/kube/process'
import type { RecordEvent } from './control/cluster-nodes/cluster-node-writer.ts'
import { DiscoveryController } from './control/discovery.ts'
import { LinkState } from './control/link-state.ts'
import { MembersController } from './control/members/members.ts'
import { PlanningController } from './control/plans/planning.ts'
import { PoliciesController } from './control/policies/policies.ts'
import { ServiceSharing } from './services/sharing.ts'

/** Agents of a cluster are heard of one after the other. */
const HEARD_MS = 500

export interface ClusterLinkOptions {
  readonly root: Client
  readonly log: Log
  readonly metrics: ProcessMetrics
  readonly record: RecordEvent
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/**
 * The controllers of ClusterLink: Clusters → connections with them → what is found there (ClusterNodes) → the plan → a
 * NodeConfig on each node, whose agent says what came of it. Over the same connections, Services that one cluster exports
 * become ServiceImports of the others.
 */
export class ClusterLink {
  readonly #state: LinkState
  readonly #members: MembersController
  readonly #discovery: DiscoveryController
  readonly #planning: PlanningController
  readonly #policies: PoliciesController
  readonly #services: ServiceSharing

  constructor({ root, log, metrics, record, onReconcile }: ClusterLinkOptions) {
    const state = new LinkState(root, log)
    const common = { state, ...(onReconcile && { onReconcile }) }
    this.#state = state
    const services = new ServiceSharing({ ...common, log })
    this.#services = services
    const wordsAged = (cluster: string) => services.changed(cluster)
    this.#discovery = new DiscoveryController({ ...common, record, wordsAged })
    this.#planning = new PlanningController(common)
    this.#policies = new PoliciesController(common)
    const changed = (cluster: string) => {
      this.#discovery.controller.enqueue(cluster)
      this.#planning.changed(cluster)
      services.changed(cluster)
    }
    const heard = (cluster: string) => this.#discovery.controller.enqueueAfter(cluster, HEARD_MS)
    this.#members = new MembersController({ ...common, log, metrics, changed, heard, services })
  }

  get synced(): Promise<void> {
    return this.#state.synced
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const controllers = [this.#discovery, this.#planning, this.#policies].map((one) => one.controller)
    const all = [this.#state, this.#members, this.#services, ...controllers]
    await Promise.all(all.map((one) => one.run(signal)))
  }
}
