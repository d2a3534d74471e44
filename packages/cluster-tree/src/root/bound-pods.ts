import { type Change, type Client, Informer, type ObjectKey, type Pod, pods } from '@kosmos/kube'

type Subscriber = (change: Change<Pod>) => void

/**
 * All pods of the root that are bound to a node, watched once and told to whoever stands for the node. One watch a node
 * would be cut off under load: the API server buffers ten events for a watcher by node name, a thousand for this one.
 */
export class BoundPods {
  readonly informer: Informer<Pod, 'node'>
  readonly #subscribers = new Map<string, Set<Subscriber>>()
  readonly #recoveries = new Set<() => void>()
  readonly #awaited = new Map<ObjectKey, Set<(key: ObjectKey) => void>>()

  constructor(client: Client) {
    let broken = false
    this.informer = new Informer({
      client,
      resource: pods,
      fieldSelector: 'spec.nodeName!=',
      indexes: { node: (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []) },
      onState: ({ kind }) => {
        if (kind === 'broken') broken = true
        if (kind !== 'following' || !broken) return
        broken = false
        for (const recovered of this.#recoveries) recovered()
      },
    })
    this.informer.subscribe((change) => {
      // A pod is bound once, so the node of a change is the same before and after.
      for (const subscriber of this.#subscribers.get(change.object.spec.nodeName ?? '') ?? []) subscriber(change)
      const awaiting = this.#awaited.get(change.key)
      this.#awaited.delete(change.key)
      for (const heard of awaiting ?? []) heard(change.key)
    })
  }

  /** The pods of one node as a source for a controller. */
  of(nodeName: string) {
    return {
      synced: this.informer.synced,
      subscribe: (subscriber: Subscriber): (() => void) => {
        for (const object of this.informer.store.by('node', nodeName)) {
          subscriber({ type: 'added', key: `${object.metadata.namespace}/${object.metadata.name}`, object })
        }
        const subscribers = this.#subscribers.get(nodeName) ?? new Set()
        this.#subscribers.set(nodeName, subscribers.add(subscriber))
        return () => {
          subscribers.delete(subscriber)
          if (subscribers.size === 0) this.#subscribers.delete(nodeName)
        }
      },
    }
  }

  /** Whether the watch is alive; otherwise what is known may be old. */
  get isFollowing(): boolean {
    return this.informer.state.kind === 'following'
  }

  /** Hears when the watch is alive again after it was not. Returns what ends the subscription. */
  onRecovery(recovered: () => void): () => void {
    this.#recoveries.add(recovered)
    return () => this.#recoveries.delete(recovered)
  }

  /** Hears once, of the next change of this pod, whichever node it is on. Returns what ends that. */
  onNextChange(key: ObjectKey, heard: (key: ObjectKey) => void): () => void {
    const awaiting = this.#awaited.get(key) ?? new Set()
    this.#awaited.set(key, awaiting.add(heard))
    return () => {
      awaiting.delete(heard)
      if (awaiting.size === 0) this.#awaited.delete(key)
    }
  }

  on(nodeName: string): Iterable<Pod> {
    return this.informer.store.by('node', nodeName)
  }
}
