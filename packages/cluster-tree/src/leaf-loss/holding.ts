import {
  Controller,
  isOvertaken,
  type ObjectKey,
  type Pod,
  pods,
  type ReconcileObservation,
  type Requeue,
  refOf,
} from '@kosmos/kube'
import type { Root } from '../root/root.ts'
import { tolerationPatch } from './held-tolerations.ts'
import { clusterOf, nodesOf, policyOf } from './policy.ts'

export interface HoldingOptions {
  readonly root: Pick<Root, 'client' | 'clusters' | 'virtualNodes' | 'boundPods'>
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/**
 * Keeps pods of Clusters with onLeafLoss Hold where they are while the leaf is away: they tolerate it from the moment that they
 * are bound, so that it holds also when the leaf and we are lost together.
 */
export class Holding {
  readonly controller: Controller
  readonly #options: HoldingOptions

  constructor(options: HoldingOptions) {
    this.#options = options
    const { root, onReconcile } = options
    this.controller = new Controller({
      name: 'leafloss.hold',
      concurrency: 16,
      reconcile: (key) => this.#reconcile(key),
      ...(onReconcile && { onReconcile }),
    })
    this.controller.watch(root.boundPods.informer, ({ type, key, object }) =>
      type !== 'deleted' && this.#patchOf(object) ? [key] : [],
    )
    // Whichever comes last of pod, node and Cluster brings the pod.
    this.controller.watch(root.virtualNodes, ({ type, key }) => (type === 'added' ? this.#podsOn([key]) : []))
    this.controller.watch(root.clusters, ({ key }) => this.#podsOn(nodesOf(root, key)))
  }

  *#podsOn(nodes: Iterable<string>): Iterable<ObjectKey> {
    for (const node of nodes) {
      for (const pod of this.#options.root.boundPods.on(node)) {
        if (this.#patchOf(pod)) yield `${pod.metadata.namespace}/${pod.metadata.name}`
      }
    }
  }

  #patchOf(pod: Pod) {
    const { root } = this.#options
    const node = root.virtualNodes.get(pod.spec.nodeName ?? '')
    // Pods of ordinary nodes are nobody's business here.
    if (!node || pod.metadata.deletionTimestamp !== undefined) return undefined
    return tolerationPatch(pod, policyOf(clusterOf(root, node)).onLeafLoss === 'Hold')
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const { root } = this.#options
    const pod = root.boundPods.informer.get(key)
    const patch = pod && this.#patchOf(pod)
    if (!patch) return
    const outcome = await root.client.patch(pods, refOf(key), patch, { type: 'merge' })
    // The watch brings the newer pod, and with it this key.
    if (outcome.ok || isOvertaken(outcome)) return
    throw new Error(`tolerations of pod ${key} cannot be changed: ${outcome.status.message}`)
  }
}
