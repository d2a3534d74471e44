import { rootClusterLabel } from '@kosmos/api'
import {
  type Client,
  Controller,
  configMaps,
  type Informer,
  type KubeObject,
  type ObjectKey,
  type Outcome,
  type Requeue,
  type Resource,
  refOf,
  secrets,
} from '@kosmos/kube'
import type { LeafNamespaces } from '../namespaces/controller.ts'
import { isTokenSecret } from '../tokens/secret.ts'
import { copyOf } from './copy.ts'
import { type CopyView, isCurrent, planCopy } from './plan.ts'
import type { ConfigurationKey, ConfigurationRegistry } from './registry.ts'

/** Metadata of a collection; the content is read when it is copied, and held by nobody. */
export type MetadataInformer = Pick<Informer<KubeObject>, 'get' | 'subscribe' | 'synced' | 'store'>

export interface ConfigurationSources {
  readonly configmaps: MetadataInformer
  readonly secrets: MetadataInformer
}

export interface ConfigurationOptions {
  readonly root: Client
  readonly leaf: Client
  readonly rootClusterId: string
  readonly rootSources: ConfigurationSources
  readonly leafSources: ConfigurationSources
  readonly registry: ConfigurationRegistry
  /** Whether copies that no root pod needs are to be kept in a namespace. */
  readonly heldBack: (namespace: string) => boolean
  readonly namespaces: Pick<LeafNamespaces, 'ensure'>
  /** Resolves when the registry knows every pod, and `heldBack` can tell: a copy whose pods are not known yet would be collected. */
  readonly registered: Promise<void>
  /** A copy has become current, or it is known that it cannot: the pod should be looked at again. */
  readonly wake: (pod: ObjectKey) => void
}

export type CopyState =
  | 'current'
  /** On its way. */
  | 'pending'
  /** The root has no such object. */
  | 'missing'
  /** The leaf has an object of that name which is not ours. */
  | 'foreign'
  /** The leaf does not accept it, see {@link ConfigurationCopies.refusalOf}. */
  | 'refused'

const RESOURCES = { configmaps: configMaps, secrets } as const
type Plural = keyof typeof RESOURCES

/** Copies the ConfigMaps and Secrets that pods of one leaf refer to, keeps them current, collects them. */
export class ConfigurationCopies {
  readonly controller: Controller
  readonly #options: ConfigurationOptions
  readonly #foreign = new Set<ConfigurationKey>()
  readonly #refusals = new Map<ConfigurationKey, string>()

  constructor(options: ConfigurationOptions) {
    this.#options = options
    this.controller = new Controller({
      name: 'configuration',
      concurrency: 8,
      reconcile: (key) => this.#reconcile(key),
    }).waitFor(options.registered)
    for (const plural of Object.keys(RESOURCES) as Plural[]) {
      this.controller.watch(options.rootSources[plural], ({ key }) => this.#needed(`${plural}/${key}`))
      this.controller.watch(options.leafSources[plural], ({ key, object }) =>
        isTokenSecret(object) ? [] : [`${plural}/${key}`],
      )
    }
  }

  /** Says that the need for a key has changed. */
  enqueue(key: ConfigurationKey): void {
    this.controller.enqueue(key)
  }

  stateOf(key: ConfigurationKey): CopyState {
    const view = this.#view(key)
    if (!view.root) return 'missing'
    if (isCurrent(view)) return 'current'
    if (this.#foreign.has(key)) return 'foreign'
    return this.#refusals.has(key) ? 'refused' : 'pending'
  }

  /** What the leaf said when it refused the copy. */
  refusalOf(key: ConfigurationKey): string | undefined {
    return this.#refusals.get(key)
  }

  *#needed(key: ConfigurationKey): Iterable<ConfigurationKey> {
    if (this.#options.registry.isNeeded(key)) yield key
  }

  #view(key: ConfigurationKey): CopyView {
    const { plural, objectKey } = split(key)
    return {
      needed: this.#options.registry.isNeeded(key),
      root: this.#options.rootSources[plural].get(objectKey),
      leaf: this.#options.leafSources[plural].get(objectKey),
    }
  }

  async #reconcile(key: ConfigurationKey): Promise<Requeue> {
    try {
      const requeue = await this.#step(key)
      this.#refusals.delete(key)
      return requeue
    } catch (error) {
      if (error instanceof CopyRefused && this.#refusals.get(key) !== error.message) {
        this.#refusals.set(key, error.message)
        this.#wakeDependents(key)
      }
      throw error
    }
  }

  #wakeDependents(key: ConfigurationKey): void {
    for (const pod of this.#options.registry.dependentsOf(key)) this.#options.wake(pod)
  }

  async #step(key: ConfigurationKey): Promise<Requeue> {
    const { plural, objectKey } = split(key)
    const { leaf } = this.#options
    const view = this.#view(key)
    const plan = planCopy(view)
    const resource = RESOURCES[plural] as Resource
    this.#foreign.delete(key)
    switch (plan.kind) {
      case 'none':
        this.#wakeDependents(key)
        return
      case 'delete':
        if (plan.reason === 'unneeded' && this.#options.heldBack(refOf(objectKey).namespace ?? ''))
          return { afterMs: HELD_BACK_MS }
        refuseUnlessPassing(await leaf.delete(resource, refOf(objectKey), { uid: plan.uid }))
        return
      case 'create':
        return await this.#create(key, resource)
      case 'replace': {
        const copy = await this.#copy(key, resource)
        if (!copy) return
        const { uid, resourceVersion } = plan
        const metadata = { ...copy.metadata, uid, resourceVersion }
        const outcome = await leaf.replace(resource, { ...copy, metadata } as KubeObject)
        // An immutable object cannot be changed, only made again; whatever mounts it sees the new one.
        const isImmutable = !outcome.ok && outcome.reason === 'Invalid' && IMMUTABLE.test(outcome.status.message ?? '')
        refuseUnlessPassing(isImmutable ? await leaf.delete(resource, refOf(objectKey), { uid }) : outcome)
        return
      }
    }
  }

  async #create(key: ConfigurationKey, resource: Resource): Promise<Requeue> {
    const { leaf, rootClusterId, namespaces } = this.#options
    const copy = await this.#copy(key, resource)
    if (!copy) return
    const outcome = await leaf.create(resource, copy)
    if (outcome.ok) return
    const ref = refOf(split(key).objectKey)
    if (outcome.reason === 'NotFound' && ref.namespace) {
      const ensured = await namespaces.ensure(ref.namespace)
      if (typeof ensured === 'object') throw new CopyRefused(ensured)
      return { afterMs: ensured === 'created' ? 1 : 500 }
    }
    if (outcome.reason !== 'AlreadyExists') throw new CopyRefused(outcome)
    const present = await leaf.get(resource, ref)
    if (!present || present.metadata?.labels?.[rootClusterLabel] === rootClusterId) return { afterMs: 500 }
    this.#foreign.add(key)
    this.#wakeDependents(key)
    // Foreign objects are not watched, so their going is found out by trying again.
    return { afterMs: 30_000 }
  }

  /** Reads the root object and makes the copy; undefined if it has gone since. */
  async #copy(key: ConfigurationKey, resource: Resource): Promise<KubeObject | undefined> {
    const { root, rootClusterId } = this.#options
    const object = await root.get(resource, refOf(split(key).objectKey))
    return object && copyOf(object as Parameters<typeof copyOf>[0], rootClusterId)
  }
}

/** Between looks whether orphans still need a copy: rare, and nothing hurries. */
const HELD_BACK_MS = 60_000

/** As validation says it of immutable ConfigMaps, Secrets, and of a Secret's type. */
const IMMUTABLE = /immutable/

/** The leaf said no; it is asked again later. */
class CopyRefused extends Error {
  constructor({ reason, status }: Extract<Outcome<unknown>, { ok: false }>) {
    super(status.message ?? reason)
  }
}

/** Throws what only the leaf's administrator can mend; what another change caused, the watch follows up. */
function refuseUnlessPassing(outcome: Outcome<unknown>): void {
  if (!outcome.ok && (outcome.reason === 'Forbidden' || outcome.reason === 'Invalid')) throw new CopyRefused(outcome)
}

function split(key: ConfigurationKey): { plural: Plural; objectKey: ObjectKey } {
  const slash = key.indexOf('/')
  return { plural: key.slice(0, slash) as Plural, objectKey: key.slice(slash + 1) }
}
