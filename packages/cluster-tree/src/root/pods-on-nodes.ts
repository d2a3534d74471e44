import type { Change, ObjectKey, Pod } from '@kosmos/kube'
import type { BoundPods } from './bound-pods.ts'

type Subscriber = (change: Change<Pod>) => void

/** The root pods on the virtual nodes of one leaf, which come and go, as one source for a controller. */
export class PodsOnNodes {
  readonly #bound: BoundPods
  readonly #subscribers = new Set<Subscriber>()
  /** What ends the subscription to each node. */
  readonly #nodes = new Map<string, () => void>()

  constructor(bound: BoundPods) {
    this.#bound = bound
  }

  get synced(): Promise<void> {
    return this.#bound.informer.synced
  }

  /** Tells of the pods that are on the node already, and from now on of each change. */
  add(nodeName: string): void {
    if (this.#nodes.has(nodeName)) return
    const tell = (change: Change<Pod>) => {
      for (const subscriber of this.#subscribers) subscriber(change)
    }
    // Before anybody is told: who is told looks the pod up at once.
    this.#nodes.set(nodeName, () => {})
    this.#nodes.set(nodeName, this.#bound.of(nodeName).subscribe(tell))
  }

  /** Says nothing of the pods that are still there: the caller has made sure that there are none. */
  remove(nodeName: string): void {
    this.#nodes.get(nodeName)?.()
    this.#nodes.delete(nodeName)
  }

  subscribe(subscriber: Subscriber): () => void {
    for (const object of this.list()) {
      subscriber({ type: 'added', key: `${object.metadata.namespace}/${object.metadata.name}`, object })
    }
    this.#subscribers.add(subscriber)
    return () => this.#subscribers.delete(subscriber)
  }

  get(key: ObjectKey): Pod | undefined {
    const pod = this.#bound.informer.get(key)
    return pod && this.#nodes.has(pod.spec.nodeName ?? '') ? pod : undefined
  }

  /** The pod, also if it is on another node than these. */
  anywhere(key: ObjectKey): Pod | undefined {
    return this.#bound.informer.get(key)
  }

  /** Hears once, of the next change of this pod, also if it is on another node. Returns what ends that. */
  onNextChange(key: ObjectKey, heard: (key: ObjectKey) => void): () => void {
    return this.#bound.onNextChange(key, heard)
  }

  *list(): Iterable<Pod> {
    for (const nodeName of this.#nodes.keys()) yield* this.#bound.on(nodeName)
  }
}
