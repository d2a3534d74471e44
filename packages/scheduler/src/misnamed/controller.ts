import {
  type Client,
  Controller,
  type ControllerOptions,
  type EventContent,
  type KubeObject,
  keyOf,
  type ObjectKey,
  type Pod,
} from '@kosmos/kube'
import { workloadPolicies } from '../policies/resource.ts'
import { misnamedEvents } from './events.ts'
import { misnamed } from './misnamed.ts'

export interface MisnamedOptions {
  readonly root: Client
  readonly podOf: (key: ObjectKey) => Pod | undefined
  /** Whether a WorkloadPolicy is known to be there. */
  readonly isKnown: (policy: ObjectKey) => boolean
  readonly record: (regarding: KubeObject, event: EventContent) => void
  readonly synced: Promise<unknown>
  readonly onReconcile?: ControllerOptions<ObjectKey>['onReconcile']
}

/** Tells pods that name a policy which is not there: no gate says to them that something is amiss. */
export class MisnamedController {
  readonly controller: Controller<ObjectKey>
  readonly #options: MisnamedOptions

  constructor(options: MisnamedOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'misnamed',
      reconcile: async (key) => await this.#reconcile(key),
      concurrency: 4,
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.synced)
  }

  /** A pod has appeared. One that runs has been told by whoever led then. */
  podAdded(pod: Pod, key: ObjectKey): void {
    if (pod.status?.phase === 'Pending' && this.#nameOf(pod) !== undefined) this.controller.enqueue(key)
  }

  async #reconcile(key: ObjectKey): Promise<undefined> {
    const { root, podOf, record } = this.#options
    const pod = podOf(key)
    const name = pod && this.#nameOf(pod)
    if (pod === undefined || name === undefined) return
    const { namespace } = pod.metadata
    // The pod may be told of before the policy.
    if ((await root.getMetadata(workloadPolicies, { namespace, name })) !== undefined) return
    record(pod, misnamedEvents.policyNotFound(name, namespace))
  }

  #nameOf(pod: Pod): string | undefined {
    const { namespace } = pod.metadata
    return misnamed(pod, (name) => this.#options.isKnown(keyOf({ metadata: { namespace, name } })))
  }
}
