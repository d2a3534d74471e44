import { type ObjectKey, refOf } from '@kosmos/kube'

/** On which side a pod is: in the root, bound to a virtual node of the leaf, or in the leaf, our copy. */
type Side = 'root' | 'leaf'

/** Which namespaces have pods of one leaf. */
export class NamespacesInUse {
  readonly #pods = new Map<string, Set<string>>()

  has(namespace: string): boolean {
    return this.#pods.has(namespace)
  }

  /** States whether a pod is there; returns its namespace if that came into use or went out of it. */
  set(side: Side, pod: ObjectKey, isThere: boolean): string | undefined {
    const { namespace = '' } = refOf(pod)
    const pods = this.#pods.get(namespace)
    const entry = `${side}/${pod}`
    if (isThere) {
      pods?.add(entry)
      if (pods) return undefined
      this.#pods.set(namespace, new Set([entry]))
      return namespace
    }
    if (!pods?.delete(entry) || pods.size > 0) return undefined
    this.#pods.delete(namespace)
    return namespace
  }
}
