import { bestFit, placementLabel } from '@kosmos/api'
import type { Namespace, Pod } from '@kosmos/kube'
import { exempt } from './exempt.ts'
import { isOfDaemonSet } from './workload.ts'

/** The namespaces whose pods wait until one machine has room for them, also without a policy. */
export class BestFitNamespaces {
  readonly #names = new Set<string>()

  /** A namespace appeared or changed. */
  set({ metadata: { name, labels } }: Namespace): void {
    if (labels?.[placementLabel] === bestFit && !exempt.includes(name)) this.#names.add(name)
    else this.#names.delete(name)
  }

  delete(name: string): void {
    this.#names.delete(name)
  }

  /** Whether what the label says of a namespace is known here. */
  knows(namespace: string): boolean {
    return this.#names.has(namespace) || exempt.includes(namespace)
  }

  /** Whether it means a pod. Those of DaemonSets are for one node each. */
  means(pod: Pod): boolean {
    return this.#names.has(pod.metadata.namespace) && !isOfDaemonSet(pod)
  }
}
