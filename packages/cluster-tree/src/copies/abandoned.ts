import {
  type Client,
  Controller,
  configMaps,
  type Informer,
  type KubeObject,
  type ObjectKey,
  type Pod,
  pods,
  type ReconcileObservation,
  refOf,
  secrets,
} from '@kosmos/kube'
import type { ConfigurationSources } from '../configuration/controller.ts'
import { podOwnerOf } from './pod-owned.ts'
import { deleteUnlessRefused } from './write.ts'

export interface AbandonedObjectsOptions {
  readonly leaf: Client
  /** Our copies. */
  readonly leafPods: Pick<Informer<Pod>, 'synced' | 'subscribe' | 'get'>
  /** Metadata of what is ours in the leaf. */
  readonly leafSources: ConfigurationSources
  /** How long the leaf's own garbage collector is given. */
  readonly graceMs?: number
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

const RESOURCES = { configmaps: configMaps, secrets } as const
type Plural = keyof typeof RESOURCES
/** `<plural>/<namespace>/<name>` */
type OwnedKey = `${Plural}/${ObjectKey}`

const GRACE_MS = 60_000

/**
 * Deletes what was made for a pod in a leaf that is gone, where the leaf's garbage collector does not: it takes a pod that went, and
 * came again under its name while its watch was broken, for one that changed, and forgets what the first one owned
 * (client-go tools/cache, DeltaFIFO.Replace tells an update; pkg/controller/garbagecollector/graph_builder.go knows objects by uid).
 */
export class AbandonedObjects {
  readonly controller: Controller<OwnedKey>
  readonly #options: AbandonedObjectsOptions
  /** By uid of the pod. */
  readonly #owned = new Map<string, Set<OwnedKey>>()

  constructor(options: AbandonedObjectsOptions) {
    this.#options = options
    const { leafPods, leafSources, graceMs = GRACE_MS, onReconcile } = options
    this.controller = new Controller<OwnedKey>({
      name: 'abandoned',
      reconcile: (key) => this.#reconcile(key),
      ...(onReconcile && { onReconcile }),
    })
    for (const plural of Object.keys(RESOURCES) as Plural[]) {
      this.controller.watch(leafSources[plural], (change) => {
        const key: OwnedKey = `${plural}/${change.key}`
        if (change.type === 'updated') this.#forget(key, change.old)
        if (change.type === 'deleted') this.#forget(key, change.object)
        else this.#note(key, change.object)
        // Its pod may have gone before this process came.
        if (change.type === 'added' && podOwnerOf(change.object)) this.controller.enqueueAfter(key, graceMs)
        return []
      })
    }
    this.controller.watch(leafPods, ({ type, object }) => {
      if (type !== 'deleted') return []
      for (const key of this.#owned.get(object.metadata.uid) ?? []) this.controller.enqueueAfter(key, graceMs)
      return []
    })
  }

  #note(key: OwnedKey, object: KubeObject): void {
    const owner = podOwnerOf(object)
    if (owner) this.#owned.set(owner.uid, (this.#owned.get(owner.uid) ?? new Set()).add(key))
  }

  #forget(key: OwnedKey, object: KubeObject): void {
    const uid = podOwnerOf(object)?.uid ?? ''
    const owned = this.#owned.get(uid)
    owned?.delete(key)
    if (owned?.size === 0) this.#owned.delete(uid)
  }

  async #reconcile(key: OwnedKey): Promise<undefined> {
    const { leaf, leafPods, leafSources } = this.#options
    const [plural, namespace, name] = key.split('/') as [Plural, string, string]
    const object = leafSources[plural].get(`${namespace}/${name}`)
    const owner = object && podOwnerOf(object)
    if (!owner || leafPods.get(owner.key)?.metadata.uid === owner.uid) return
    // What a running pod mounts must not go, also when the watch lags behind.
    const pod = await leaf.get(pods, refOf(owner.key))
    if (pod?.metadata.uid === owner.uid) return
    await deleteUnlessRefused(leaf, RESOURCES[plural], { namespace, name }, object.metadata?.uid ?? '')
  }
}
