import {
  Controller,
  isOvertaken,
  type Node,
  nodes,
  type ReconcileObservation,
  type Requeue,
  type StoredCluster,
} from '@kosmos/kube'
import { isNodeOf } from '../nodes/ownership.ts'
import type { Root } from '../root/root.ts'
import { failedOver, noAlternative, takenBack } from './events.ts'
import { type FailoverStep, failoverStep, isAlternative } from './failover-step.ts'
import { clusterOf, nodesOf, policyOf } from './policy.ts'

export interface FailoverOptions {
  readonly root: Pick<Root, 'client' | 'clusters' | 'virtualNodes' | 'events'>
  /** Whether the leaf of a Cluster answers and has no copy of a pod that was replaced. */
  readonly isSettled: (cluster: string) => boolean
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/** Between looks for another place, while there is none. */
const ALTERNATIVE_MS = 30_000

/** Declares virtual nodes of lost leaves out of service where their Cluster says Failover, and takes that back afterwards. */
export class Failover {
  readonly controller: Controller
  readonly #options: FailoverOptions

  constructor(options: FailoverOptions) {
    this.#options = options
    const { root, onReconcile } = options
    this.controller = new Controller({
      name: 'leafloss.failover',
      concurrency: 4,
      reconcile: (name) => this.#reconcile(name),
      ...(onReconcile && { onReconcile }),
    })
    this.controller.watch(root.virtualNodes, ({ type, key, object }) =>
      type !== 'deleted' && this.#stepFor(object).do !== 'none' ? [key] : [],
    )
    this.controller.watch(root.clusters, ({ key }) => nodesOf(root, key))
  }

  #stepFor(node: Node): FailoverStep {
    const { root, isSettled } = this.#options
    const cluster = clusterOf(root, node)
    return failoverStep({
      node,
      policy: policyOf(cluster),
      isSettled: cluster !== undefined && isSettled(cluster.metadata.name),
      now: Date.now(),
    })
  }

  async #reconcile(name: string): Promise<Requeue> {
    const { root } = this.#options
    const node = root.virtualNodes.get(name)
    if (!node) return
    const cluster = clusterOf(root, node)
    const step = this.#stepFor(node)
    switch (step.do) {
      case 'none':
        return
      case 'wait':
        return { afterMs: step.afterMs }
      case 'failOver':
        if (cluster && !(await this.#hasAlternative(cluster))) {
          root.events.record(cluster, noAlternative(name))
          return { afterMs: ALTERNATIVE_MS }
        }
        if ((await this.#setTaints(node, step.taints)) && cluster) root.events.record(cluster, failedOver(name))
        return
      case 'takeBack':
        if ((await this.#setTaints(node, step.taints)) && cluster) root.events.record(cluster, takenBack(name))
        return
    }
  }

  /** Pods that cannot go anywhere are better off where they are: their leaf may be well, and only the line to it cut. */
  async #hasAlternative(cluster: StoredCluster): Promise<boolean> {
    const all = await this.#options.root.client.listAll(nodes)
    return all.some((node) => isAlternative(node, isNodeOf(node, cluster.metadata.name)))
  }

  async #setTaints({ metadata }: Node, taints: readonly object[]): Promise<boolean> {
    const { name, uid, resourceVersion } = metadata
    const patch = { metadata: { uid, resourceVersion }, spec: { taints } }
    const outcome = await this.#options.root.client.patch(nodes, { name }, patch, { type: 'merge' })
    if (outcome.ok) return true
    // The watch brings the newer node, and with it this key.
    if (isOvertaken(outcome)) return false
    throw new Error(`taints of node ${name} cannot be changed: ${outcome.status.message}`)
  }
}
