import {
  type Client,
  Controller,
  type EndpointSlice,
  endpointSlices,
  type Informer,
  type KubeObject,
  type ObjectKey,
  type Pod,
  type ReconcileObservation,
  type Requeue,
  refOf,
  type Service,
} from '@kosmos/kube'
import type { WatchedCopy } from '../copies/content-state.ts'
import { ContestedCopies, type Stepped } from '../copies/contested.ts'
import { nameInRoot, privateName } from '../copies/private-name.ts'
import { CopyRefusals } from '../copies/refusals.ts'
import { overwritten, setRightBy, steppedBy } from '../copies/set-right.ts'
import { writeCopy } from '../copies/write.ts'
import type { Neighbours } from '../links/neighbours.ts'
import type { LeafNamespaces } from '../namespaces/controller.ts'
import { isCopyOf } from '../pods/decide.ts'
import type { EventSink } from '../root/events.ts'
import type { PodsOnNodes } from '../root/pods-on-nodes.ts'
import type { AddressTranslator } from './address-translator.ts'
import { type EndpointPod, serviceKeyOf, sliceCopy } from './copy.ts'
import { endpointsElsewhere, endpointsRefused } from './events.ts'
import { planSlice } from './plan.ts'

export interface EndpointCopiesOptions {
  readonly leaf: Client
  readonly clusterName: string
  readonly rootClusterId: string
  readonly rootServices: Pick<Informer<Service>, 'get'>
  /** Metadata of our copies. */
  readonly leafServices: Pick<Informer<WatchedCopy>, 'synced' | 'subscribe' | 'get'>
  /** Those that no controller of the root makes of pods. */
  readonly rootSlices: Informer<EndpointSlice, 'service' | 'pod'>
  /** Metadata of ours, and who has written to them. */
  readonly leafSlices: Informer<WatchedCopy, 'service'>
  /** All pods of the root that are bound to a node. */
  readonly boundPods: Pick<Informer<Pod>, 'get'>
  /** Of them those that are bound to the leaf. */
  readonly rootPods: Pick<PodsOnNodes, 'get'>
  readonly leafPods: Pick<Informer<Pod>, 'synced' | 'subscribe' | 'get'>
  readonly namespaces: Pick<LeafNamespaces, 'ensure'>
  readonly translateAddress: AddressTranslator
  readonly neighbours: Neighbours
  readonly events: EventSink
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/** Between looks whether a slice that is not ours still has the name. */
const FOREIGN_MS = 30_000
/** Between looks whether the root's slices are known. */
const SYNC_MS = 500

/**
 * Copies the endpoints that somebody has written by hand for a Service of the root to our copy of that Service. Those of its
 * selector the leaf makes itself, but for pods in other clusters that ClusterLink connects it with. Keys are those of the root's slices.
 */
export class EndpointCopies {
  readonly controller: Controller<ObjectKey>
  readonly #options: EndpointCopiesOptions
  readonly #contested: ContestedCopies<ObjectKey>
  readonly #refusals = new CopyRefusals<ObjectKey>()
  /** How many endpoints each slice has elsewhere, as last told. */
  readonly #elsewhere = new Map<ObjectKey, number>()

  constructor(options: EndpointCopiesOptions) {
    this.#options = options
    this.#contested = new ContestedCopies(options)
    const { rootSlices, leafSlices, leafServices, leafPods, onReconcile } = options
    this.controller = new Controller({
      name: 'endpoints',
      concurrency: 8,
      reconcile: (key) => this.#reconcile(key),
      ...(onReconcile && { onReconcile }),
    })
    this.controller.watch(rootSlices, ({ key }) => [key])
    this.controller.watch(leafSlices, ({ object }) => [rootKeyOf(object)])
    this.controller.watch(leafServices, ({ key, type }) => (type === 'updated' ? [] : this.#slicesOf(key)))
    this.controller.watch(leafPods, (change) => {
      if (change.type === 'updated' && change.old.status?.podIP === change.object.status?.podIP) return []
      return [...rootSlices.store.by('pod', change.key)].map(keyOfSlice)
    })
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { neighbours } = this.#options
    // No sources to wait for: slices of selectors are followed only while the leaf is linked.
    const unsubscribe = [
      neighbours.slices.informer.subscribe(({ key }) => this.controller.enqueue(key)),
      neighbours.subscribe(() => this.#lookAtAll()),
    ]
    await this.controller.run(signal)
    for (const end of unsubscribe) end()
  }

  #lookAtAll(): void {
    const { rootSlices, leafSlices, neighbours } = this.#options
    for (const slice of rootSlices.store.values()) this.controller.enqueue(keyOfSlice(slice))
    for (const slice of neighbours.slices.informer.store.values()) this.controller.enqueue(keyOfSlice(slice))
    for (const slice of leafSlices.store.values()) this.controller.enqueue(rootKeyOf(slice))
  }

  *#slicesOf(service: ObjectKey): Iterable<ObjectKey> {
    for (const slice of this.#options.neighbours.slices.informer.store.by('service', service)) yield keyOfSlice(slice)
    for (const slice of this.#options.rootSlices.store.by('service', service)) yield keyOfSlice(slice)
    for (const slice of this.#options.leafSlices.store.by('service', service)) yield rootKeyOf(slice)
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const { rootClusterId, leafSlices } = this.#options
    const { namespace, name } = refOf(key)
    const present = leafSlices.get(`${namespace}/${privateName(name, rootClusterId)}`)
    return await this.#contested.around(key, present, (by) => this.#step(key, present, by))
  }

  async #step(key: ObjectKey, present: WatchedCopy | undefined, by: string | undefined): Promise<Stepped> {
    const { leaf, clusterName, rootClusterId, namespaces, events } = this.#options
    const { namespace, name } = refOf(key)
    const ref = { namespace, name: privateName(name, rootClusterId) }
    const { slices } = this.#options.neighbours
    const root = this.#rootSlice(key)
    // It may be one of those that are not known yet.
    if (!root && slices.isFollowed && !slices.informer.hasSynced) return { afterMs: SYNC_MS }
    const { slice, elsewhere } = this.#wanted(root)
    const regarding = root && this.#toldOn(root)
    if (regarding && elsewhere > 0 && elsewhere !== this.#elsewhere.get(key))
      events.record(regarding, endpointsElsewhere(clusterName, name, elsewhere))
    if (elsewhere > 0) this.#elsewhere.set(key, elsewhere)
    else this.#elsewhere.delete(key)
    const plan = planSlice(slice, present, by !== undefined)
    const setRight = overwritten(plan, by)
    const copy = async () => slice && setRightBy(slice, setRight, new Date())
    const target = { leaf, resource: endpointSlices, ref, rootClusterId, namespaces, copy }
    const tell = (why: string) => {
      if (regarding) events.record(regarding, endpointsRefused(clusterName, name, why))
    }
    const written = await this.#refusals.around(key, () => writeCopy(plan, target), tell)
    const what = `EndpointSlice ${name}`
    if (written !== 'foreign')
      return steppedBy(written, setRight && regarding ? { what, toldOn: [regarding] } : undefined)
    tell(`it has another one called ${ref.name}`)
    return { afterMs: FOREIGN_MS }
  }

  #rootSlice(key: ObjectKey): EndpointSlice | undefined {
    return this.#options.rootSlices.get(key) ?? this.#options.neighbours.slices.informer.get(key)
  }

  /** What people look at. */
  #toldOn(root: EndpointSlice): Service | EndpointSlice {
    return this.#options.rootServices.get(serviceKeyOf(root)) ?? root
  }

  /** Nothing where the leaf has no copy of the Service: what has its name there then is not ours. */
  #wanted(root: EndpointSlice | undefined): ReturnType<typeof sliceCopy> {
    const { leafServices, rootClusterId, translateAddress } = this.#options
    const service = root && leafServices.get(serviceKeyOf(root))
    if (!service) return { slice: undefined, elsewhere: 0 }
    const { name = '', uid = '' } = service.metadata ?? {}
    const podOf = (key: ObjectKey, uid: string | undefined) => this.#podOf(key, uid)
    return sliceCopy(root, { rootClusterId, service: { name, uid }, podOf, translateAddress })
  }

  #podOf(key: ObjectKey, uid: string | undefined): EndpointPod {
    const { boundPods, rootPods, leafPods, neighbours } = this.#options
    const root = boundPods.get(key)
    if (!root || (uid !== undefined && uid !== root.metadata.uid)) return { kind: 'absent' }
    if (!rootPods.get(key)) return { kind: neighbours.reach(root.spec.nodeName) ? 'linked' : 'elsewhere' }
    const copy = leafPods.get(key)
    if (!copy || !isCopyOf(copy, root)) return { kind: 'absent' }
    const ips = (copy.status?.podIPs ?? []).flatMap(({ ip }) => ip ?? [])
    const { nodeName } = copy.spec
    return { kind: 'here', uid: copy.metadata.uid, ips, ...(nodeName && { nodeName }) }
  }
}

function keyOfSlice({ metadata }: KubeObject): ObjectKey {
  return `${metadata?.namespace}/${metadata?.name}`
}

function rootKeyOf(copy: KubeObject): ObjectKey {
  return `${copy.metadata?.namespace}/${nameInRoot(copy)}`
}
