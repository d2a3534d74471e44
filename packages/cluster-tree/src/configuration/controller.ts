import {
  type Client,
  Controller,
  configMaps,
  type Informer,
  type KubeObject,
  type ObjectKey,
  type Requeue,
  type Resource,
  refOf,
  secrets,
} from '@kosmos/kube'
import { type CopyView, isCurrent, planCopy } from '../copies/plan.ts'
import { CopyRefused, writeCopy } from '../copies/write.ts'
import type { LeafNamespaces } from '../namespaces/controller.ts'
import { isTokenSecret } from '../tokens/secret.ts'
import { copyOf } from './copy.ts'
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
      concurrency: 24,
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
      optional: !this.#options.registry.isRequired(key),
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
    const { root, leaf, rootClusterId, namespaces } = this.#options
    const plan = planCopy(this.#view(key))
    const resource = RESOURCES[plural] as Resource
    const ref = refOf(objectKey)
    this.#foreign.delete(key)
    if (plan.kind === 'none') this.#wakeDependents(key)
    if (plan.kind === 'delete' && plan.reason === 'unneeded' && this.#options.heldBack(ref.namespace ?? ''))
      return { afterMs: HELD_BACK_MS }
    const copy = async () => {
      const object = await root.get(resource, ref)
      return object && copyOf(object as Parameters<typeof copyOf>[0], rootClusterId)
    }
    const written = await writeCopy(plan, { leaf, resource, ref, rootClusterId, namespaces, copy })
    if (written !== 'foreign') return written === 'written' ? undefined : written
    this.#foreign.add(key)
    this.#wakeDependents(key)
    // Foreign objects are not watched, so their going is found out by trying again.
    return { afterMs: 30_000 }
  }
}

/** Between looks whether orphans still need a copy: rare, and nothing hurries. */
const HELD_BACK_MS = 60_000

function split(key: ConfigurationKey): { plural: Plural; objectKey: ObjectKey } {
  const slash = key.indexOf('/')
  return { plural: key.slice(0, slash) as Plural, objectKey: key.slice(slash + 1) }
}
