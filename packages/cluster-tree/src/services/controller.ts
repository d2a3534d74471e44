import {
  type Client,
  Controller,
  type Informer,
  type ObjectKey,
  type Pod,
  type ReconcileObservation,
  type Requeue,
  refOf,
  type Service,
  services,
} from '@kosmos/kube'
import type { WatchedCopy } from '../copies/content-state.ts'
import { ContestedCopies, type Stepped } from '../copies/contested.ts'
import { isCurrent, planCopy } from '../copies/plan.ts'
import { CopyRefusals } from '../copies/refusals.ts'
import { overwritten, setRightBy, steppedBy } from '../copies/set-right.ts'
import { writeCopy } from '../copies/write.ts'
import type { LeafNamespaces } from '../namespaces/controller.ts'
import type { EventSink } from '../root/events.ts'
import type { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { isCopied, serviceCopy } from './copy.ts'
import { serviceNameTaken, serviceRefused } from './events.ts'
import { Lingering } from './lingering.ts'
import { NamespacesInUse } from './namespaces-in-use.ts'

export interface ServiceCopiesOptions {
  readonly leaf: Client
  readonly clusterName: string
  readonly rootClusterId: string
  readonly rootServices: Informer<Service, 'namespace'>
  /** Metadata of our copies, and who has written to them. */
  readonly leafServices: Informer<WatchedCopy, 'namespace'>
  readonly rootPods: Pick<PodsOnNodes, 'synced' | 'subscribe'>
  readonly leafPods: Pick<Informer<Pod, 'namespace'>, 'synced' | 'subscribe'>
  readonly namespaces: Pick<LeafNamespaces, 'ensure'>
  readonly events: EventSink
  /** The Services of a namespace are all there: pods that wait for them should be looked at again. */
  readonly settled: (namespace: string) => void
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/** A namespace whose last pod has gone often gets another at once, and its Services keep their addresses then. */
const LINGER_MS = 10_000

/** Between looks whether a Service that is not ours still has the name. */
const FOREIGN_MS = 30_000

/**
 * Copies the Services of every namespace that has pods of one leaf, so that these pods find each other by name as in the
 * root, and have the variables of Services that a kubelet gives them.
 */
export class ServiceCopies {
  readonly controller: Controller<ObjectKey>
  readonly #options: ServiceCopiesOptions
  readonly #refusals = new CopyRefusals<ObjectKey>()
  readonly #contested: ContestedCopies<ObjectKey>
  readonly #used = new NamespacesInUse()
  readonly #lingering = new Lingering(LINGER_MS)
  /** Services that a pod which comes now has to wait for, by namespace. */
  readonly #pending = new Map<string, Set<ObjectKey>>()

  constructor(options: ServiceCopiesOptions) {
    this.#options = options
    this.#contested = new ContestedCopies(options)
    this.controller = new Controller({
      name: 'services',
      concurrency: 8,
      reconcile: (key) => this.#reconcile(key),
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    })
    const { rootPods, leafPods, rootServices, leafServices } = options
    this.controller.watch(rootPods, ({ key, type }) => this.#onPod('root', key, type !== 'deleted'))
    this.controller.watch(leafPods, ({ key, type }) => this.#onPod('leaf', key, type !== 'deleted'))
    this.controller.watch(rootServices, ({ key, type, object }) => {
      if (!isCopied(object) || !this.#used.has(object.metadata.namespace ?? '')) return []
      if (type === 'added') this.#await(key)
      return [key]
    })
    this.controller.watch(leafServices, ({ key }) => [key])
  }

  /**
   * Whether a pod of the namespace would find in the leaf the Services that the root has now: those that can be there are. A
   * leaf that does not let us watch Services has none to wait for.
   */
  isSettled(namespace: string): boolean {
    return !this.#pending.has(namespace) || !this.#options.leafServices.hasSynced
  }

  *#onPod(side: 'root' | 'leaf', pod: ObjectKey, isThere: boolean): Iterable<ObjectKey> {
    const namespace = this.#used.set(side, pod, isThere)
    if (namespace === undefined) return
    if (isThere) this.#lingering.end(namespace)
    else this.#lingering.begin(namespace, Date.now())
    const { rootServices, leafServices } = this.#options
    for (const service of rootServices.store.by('namespace', namespace)) {
      if (!isCopied(service)) continue
      const key = `${namespace}/${service.metadata.name}`
      if (isThere) this.#await(key)
      yield key
    }
    if (isThere) return
    this.#pending.delete(namespace)
    for (const { metadata } of leafServices.store.by('namespace', namespace)) yield `${namespace}/${metadata?.name}`
  }

  #await(key: ObjectKey): void {
    const { namespace = '' } = refOf(key)
    const keys = this.#pending.get(namespace) ?? new Set()
    this.#pending.set(namespace, keys.add(key))
  }

  #arrived(key: ObjectKey): void {
    const { namespace = '' } = refOf(key)
    const keys = this.#pending.get(namespace)
    if (!keys?.delete(key) || keys.size > 0) return
    this.#pending.delete(namespace)
    this.#options.settled(namespace)
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const copy = this.#options.leafServices.get(key)
    return await this.#contested.around(key, copy, (by) => this.#step(key, copy, by))
  }

  async #step(key: ObjectKey, leafCopy: WatchedCopy | undefined, by: string | undefined): Promise<Stepped> {
    const { leaf, clusterName, rootClusterId, namespaces, events } = this.#options
    const ref = refOf(key)
    const root = this.#options.rootServices.get(key)
    const view = { needed: this.#used.has(ref.namespace ?? ''), root, leaf: leafCopy }
    // A Service that the root has deleted is not needed, whoever still looks for it.
    const plan = planCopy({ ...view, needed: view.needed && root !== undefined, contested: by !== undefined })
    const setRight = overwritten(plan, by)
    const lingersMs = this.#lingering.leftMs(ref.namespace ?? '', Date.now())
    if (plan.kind === 'delete' && plan.reason === 'unneeded' && root && lingersMs > 0) return { afterMs: lingersMs }
    const copy = async () => root && setRightBy(serviceCopy(root, rootClusterId), setRight, new Date())
    const target = { leaf, resource: services, ref, rootClusterId, namespaces, copy }
    const written = await this.#refusals.around(
      key,
      () => writeCopy(plan, target),
      (why) => {
        if (root) events.record(root, serviceRefused(clusterName, why))
        this.#arrived(key)
      },
    )
    if (!root || isCurrent(view)) this.#arrived(key)
    if (written !== 'foreign')
      return steppedBy(written, setRight && root ? { what: `Service ${ref.name}`, toldOn: [root] } : undefined)
    if (root) events.record(root, serviceNameTaken(clusterName))
    this.#arrived(key)
    return { afterMs: FOREIGN_MS }
  }
}
