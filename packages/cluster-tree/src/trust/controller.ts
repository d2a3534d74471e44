import {
  type Client,
  Controller,
  configMaps,
  type Informer,
  type KubeObject,
  type ObjectKey,
  type Pod,
  type ReconcileObservation,
  type Requeue,
} from '@kosmos/kube'
import type { CopyInformer } from '../configuration/controller.ts'
import { ContestedCopies, type Stepped } from '../copies/contested.ts'
import { podOwnerOf } from '../copies/pod-owned.ts'
import { setRightBy } from '../copies/set-right.ts'
import { type Present, writeDelivery } from '../copies/write.ts'
import { wantsLeafApi } from '../pods/translate/mutations/leaf-api-access.ts'
import type { Waiting } from '../pods/waiting/waiting.ts'
import type { EventSink } from '../root/events.ts'
import type { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { concerns, type TrustBundles } from './bundles.ts'
import { trustNotDelivered } from './events.ts'
import { planTrust, type TrustData, trustConfigMap } from './plan.ts'
import { type BundleWish, bundleWishes, describeBundles, trustConfigMapName } from './wishes.ts'

export interface PodTrustOptions {
  readonly leaf: Client
  readonly clusterName: string
  readonly rootClusterId: string
  /** Of the root; undefined if it has none to give. */
  readonly bundles: TrustBundles | undefined
  readonly rootPods: Pick<PodsOnNodes, 'synced' | 'subscribe' | 'get'>
  readonly leafPods: Pick<Informer<Pod>, 'synced' | 'subscribe' | 'get'>
  /** Metadata of our ConfigMaps in the leaf. */
  readonly leafConfigMaps: CopyInformer
  readonly events: EventSink
  /** What the pod waited for may be there. */
  readonly wake: (pod: ObjectKey) => void
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/** Gives every pod in a leaf the root's bundles of trust that it asks for, in a ConfigMap of its own, and keeps them current. */
export class PodTrust {
  readonly controller: Controller<ObjectKey>
  readonly #options: PodTrustOptions
  readonly #contested: ContestedCopies<ObjectKey>
  /** The pods that ask for bundles. */
  readonly #wishes = new Map<ObjectKey, readonly BundleWish[]>()

  constructor(options: PodTrustOptions) {
    this.#options = options
    this.#contested = new ContestedCopies(options)
    const { bundles, rootPods, leafPods, leafConfigMaps, onReconcile } = options
    this.controller = new Controller({
      name: 'trust',
      concurrency: 8,
      reconcile: (key) => this.#reconcile(key),
      ...(onReconcile && { onReconcile }),
    })
    if (!bundles) return
    this.controller.watch(rootPods, ({ key, type, object }) => {
      const wishes = type === 'deleted' || wantsLeafApi(object) ? [] : bundleWishes(object.spec)
      if (wishes.length === 0) return this.#wishes.delete(key) ? [] : []
      this.#wishes.set(key, wishes)
      return type === 'added' ? [key] : []
    })
    this.controller.watch(leafPods, ({ key, type }) => (type === 'added' ? this.#asking(key) : []))
    this.controller.watch(leafConfigMaps, ({ object }) => {
      const owner = podOwnerOf(object)
      return owner === undefined ? [] : this.#asking(owner.key)
    })
    this.controller.watch(bundles.informer, ({ object }) => this.#concernedBy((wish) => concerns(object, wish)))
    void bundles.informer.synced.then(() => {
      for (const key of this.#concernedBy(() => true)) this.controller.enqueue(key)
    })
  }

  /** What a pod without a copy waits for: `pending` while that is not known. */
  stateOf(pod: Pod): Waiting | 'pending' | undefined {
    const { bundles } = this.#options
    const wishes = bundles && !wantsLeafApi(pod) ? bundleWishes(pod.spec) : []
    if (!bundles || wishes.length === 0) return undefined
    if (!bundles.informer.hasSynced) {
      const { state } = bundles.informer
      if (state.kind !== 'broken') return 'pending'
      const message = `the root does not tell its ClusterTrustBundles: ${state.error.message}`
      return { reason: 'TrustBundleNotFound', message }
    }
    const missing = wishes.filter((wish) => !wish.optional && bundles.anchorsOf(wish) === undefined)
    if (missing.length === 0) return undefined
    const list = missing.map((wish) => `${describeBundles(wish)} (volume ${wish.volume})`).join('; ')
    return { reason: 'TrustBundleNotFound', message: `not found: ${list}; the pod starts when it is there` }
  }

  *#asking(pod: ObjectKey): Iterable<ObjectKey> {
    if (this.#wishes.has(pod)) yield pod
  }

  *#concernedBy(isMeant: (wish: BundleWish) => boolean): Iterable<ObjectKey> {
    for (const [pod, wishes] of this.#wishes) if (wishes.some(isMeant)) yield pod
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const root = this.#options.rootPods.get(key)
    const leaf = this.#options.leafPods.get(key)
    if (root && !leaf) this.#options.wake(key)
    const configMap = root && this.#options.leafConfigMaps.get(`${root.metadata.namespace}/${trustConfigMapName(root)}`)
    return await this.#contested.around(key, configMap, (by) => this.#step(key, root, configMap, by))
  }

  async #step(
    key: ObjectKey,
    root: Pod | undefined,
    configMap: KubeObject | undefined,
    by: string | undefined,
  ): Promise<Stepped> {
    const leaf = this.#options.leafPods.get(key)
    const data = this.#dataOf(this.#wishes.get(key) ?? [])
    const plan = planTrust({ root, leaf, data, configMap, contested: by !== undefined })
    if (plan.kind === 'none' || !root || !leaf || !data) return
    try {
      const isWritten = await this.#deliver(root, leaf, data, plan.kind === 'replace' ? plan : undefined, by)
      return by !== undefined && isWritten
        ? { what: `ConfigMap ${trustConfigMapName(root)}`, toldOn: [root] }
        : undefined
    } catch (error) {
      this.#options.events.record(root, trustNotDelivered((error as Error).message))
      throw error
    }
  }

  #dataOf(wishes: readonly BundleWish[]): TrustData | undefined {
    const data: Record<string, string> = {}
    for (const wish of wishes) {
      const anchors = this.#options.bundles?.anchorsOf(wish) ?? (wish.optional ? '' : undefined)
      if (anchors === undefined) return undefined
      data[wish.key] = anchors
    }
    return data
  }

  async #deliver(
    root: Pod,
    copy: Pod,
    data: TrustData,
    present: Present | undefined,
    by: string | undefined,
  ): Promise<boolean> {
    const { leaf, rootClusterId } = this.#options
    const configMap = trustConfigMap(root, copy, rootClusterId, data)
    return await writeDelivery(leaf, configMaps, setRightBy(configMap, by, new Date()), present)
  }
}
