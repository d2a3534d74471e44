import {
  type Change,
  type Client,
  Controller,
  configMaps,
  type Informer,
  type KubeObject,
  type ObjectKey,
  type ReconcileObservation,
  type Requeue,
  type Resource,
  secrets,
} from '@kosmos/kube'
import type { WatchedCopy } from '../copies/content-state.ts'
import { ContestedCopies, type Stepped } from '../copies/contested.ts'
import { type CopyView, isCurrent, planCopy } from '../copies/plan.ts'
import { podOwnerOf } from '../copies/pod-owned.ts'
import { nameInRoot, privateName } from '../copies/private-name.ts'
import { CopyRefusals } from '../copies/refusals.ts'
import { overwritten, setRightBy, steppedBy } from '../copies/set-right.ts'
import { type CopyTarget, writeCopyAs } from '../copies/write.ts'
import type { LeafNamespaces } from '../namespaces/controller.ts'
import type { EventSink } from '../root/events.ts'
import type { PodsOnNodes } from '../root/pods-on-nodes.ts'
import { copyOf } from './copy.ts'
import { notUpdated } from './events.ts'
import { FreshContents } from './fresh-contents.ts'
import type { ConfigurationKey, ConfigurationRegistry } from './registry.ts'

/** Versions of a collection; the content comes with a change, or is read when it is copied, and is held no longer. */
export type MetadataInformer = Pick<Informer<KubeObject>, 'get' | 'subscribe' | 'synced' | 'store'>

export interface ConfigurationSources {
  readonly configmaps: MetadataInformer
  readonly secrets: MetadataInformer
}

/** What a leaf has of ours. */
export interface CopySources {
  readonly configmaps: CopyInformer
  readonly secrets: CopyInformer
}

/** Versions of our copies, and who has written to them. */
export type CopyInformer = Pick<Informer<WatchedCopy>, 'get' | 'subscribe' | 'synced' | 'store'>

export interface ConfigurationOptions {
  readonly root: Client
  readonly leaf: Client
  readonly rootClusterId: string
  readonly rootSources: ConfigurationSources
  readonly leafSources: CopySources
  readonly registry: ConfigurationRegistry
  /** Whether copies that no root pod needs are to be kept in a namespace. */
  readonly heldBack: (namespace: string) => boolean
  readonly namespaces: Pick<LeafNamespaces, 'ensure'>
  /** Resolves when the registry knows every pod, and `heldBack` can tell: a copy whose pods are not known yet would be collected. */
  readonly registered: Promise<void>
  /** A copy has become current, or it is known that it cannot: the pod should be looked at again. */
  readonly wake: (pod: ObjectKey) => void
  readonly clusterName: string
  readonly rootPods: Pick<PodsOnNodes, 'get'>
  /** Of the root. */
  readonly events: EventSink
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

export type CopyState =
  | 'current'
  /** On its way. */
  | 'pending'
  /** The root has no such object. */
  | 'missing'
  /** The leaf does not accept it, see {@link ConfigurationCopies.refusalOf}. */
  | 'refused'

const RESOURCES = { configmaps: configMaps, secrets } as const
type Plural = keyof typeof RESOURCES

/** Copies the ConfigMaps and Secrets that pods of one leaf refer to, keeps them current, collects them. */
export class ConfigurationCopies {
  readonly controller: Controller
  readonly #options: ConfigurationOptions
  readonly #refusals = new CopyRefusals<ConfigurationKey>()
  readonly #fresh = new FreshContents()
  readonly #contested: ContestedCopies<ConfigurationKey>

  constructor(options: ConfigurationOptions) {
    this.#options = options
    this.#contested = new ContestedCopies(options)
    this.controller = new Controller({
      name: 'configuration',
      concurrency: 24,
      reconcile: (key) => this.#reconcile(key),
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    }).waitFor(options.registered)
    for (const plural of Object.keys(RESOURCES) as Plural[]) {
      this.controller.watch(options.rootSources[plural], (change) => this.#changed(plural, change))
      this.controller.watch(options.leafSources[plural], ({ object }) =>
        podOwnerOf(object) ? [] : [`${plural}/${object.metadata?.namespace}/${nameInRoot(object)}`],
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
    return this.#refusals.get(key) === undefined ? 'pending' : 'refused'
  }

  /** What the leaf said when it refused the copy. */
  refusalOf(key: ConfigurationKey): string | undefined {
    return this.#refusals.get(key)
  }

  /** What the leaf calls it: as the root does, unless the leaf has something else of that name. */
  nameOf(key: ConfigurationKey): string {
    return this.#inLeaf(key)?.metadata?.name ?? split(key).ref.name
  }

  *#changed(plural: Plural, change: Change<KubeObject>): Iterable<ConfigurationKey> {
    const key = `${plural}/${change.key}`
    if (!this.#options.registry.isNeeded(key)) return
    if (change.type !== 'deleted' && change.given) this.#fresh.keep(key, change.given)
    yield key
  }

  #view(key: ConfigurationKey): CopyView {
    const { plural, objectKey } = split(key)
    return {
      needed: this.#options.registry.isNeeded(key),
      optional: !this.#options.registry.isRequired(key),
      root: this.#options.rootSources[plural].get(objectKey),
      leaf: this.#inLeaf(key),
    }
  }

  #inLeaf(key: ConfigurationKey): WatchedCopy | undefined {
    const { plural, objectKey, ref } = split(key)
    const { leafSources, rootClusterId } = this.#options
    const copies = leafSources[plural]
    return copies.get(objectKey) ?? copies.get(`${ref.namespace}/${privateName(ref.name, rootClusterId)}`)
  }

  async #reconcile(key: ConfigurationKey): Promise<Requeue> {
    const fresh = this.#fresh.take(key)
    const step = () => this.#contested.around(key, this.#inLeaf(key), (by) => this.#step(key, fresh, by))
    return await this.#refusals.around(key, step, (why, isNews) => {
      if (!isNews) return
      this.#wakeDependents(key)
      if (!this.#inLeaf(key)) return
      const { events, clusterName } = this.#options
      const notice = notUpdated(describe(key), clusterName, why)
      for (const object of this.#toldOn(key)) events.record(object, notice)
    })
  }

  #wakeDependents(key: ConfigurationKey): void {
    for (const pod of this.#options.registry.dependentsOf(key)) this.#options.wake(pod)
  }

  /** Pods that run go on with what the leaf has: the object says so, and a few of them. */
  #toldOn(key: ConfigurationKey): readonly KubeObject[] {
    const { registry, rootPods, rootSources } = this.#options
    const { plural, objectKey } = split(key)
    const object = rootSources[plural].get(objectKey)
    const pods = [...Iterator.from(registry.dependentsOf(key)).take(TOLD_PODS)].flatMap(
      (pod) => rootPods.get(pod) ?? [],
    )
    return object ? [{ ...object, apiVersion: 'v1', kind: RESOURCES[plural].kind }, ...pods] : pods
  }

  async #step(key: ConfigurationKey, fresh: KubeObject | undefined, by: string | undefined): Promise<Stepped> {
    const view = this.#view(key)
    const plan = planCopy({ ...view, contested: by !== undefined })
    // The watch may have begun anew since, and told of a later state without its content.
    const content = isVersion(fresh, view.root) ? fresh : undefined
    const { ref } = split(key)
    if (plan.kind === 'none' || isCurrent(view)) this.#wakeDependents(key)
    if (plan.kind === 'delete' && plan.reason === 'unneeded' && this.#options.heldBack(ref.namespace))
      return { afterMs: HELD_BACK_MS }
    const setRight = overwritten(plan, by)
    const written = await writeCopyAs(plan, this.nameOf(key), (name) => this.#target(key, name, content, setRight))
    return steppedBy(written, setRight === undefined ? undefined : { what: describe(key), toldOn: this.#toldOn(key) })
  }

  /** @param setRight who else has written to it, if that is why it is written */
  #target(key: ConfigurationKey, nameInLeaf: string, content?: KubeObject, setRight?: string): CopyTarget {
    const { root, leaf, rootClusterId, namespaces } = this.#options
    const { plural, ref } = split(key)
    const resource = RESOURCES[plural] as Resource
    const copy = async () => {
      const object = content ?? (await root.get(resource, ref))
      const made = object && copyOf(object as Parameters<typeof copyOf>[0], rootClusterId, nameInLeaf)
      return made && setRightBy(made, setRight, new Date())
    }
    return { leaf, resource, ref: { namespace: ref.namespace, name: nameInLeaf }, rootClusterId, namespaces, copy }
  }
}

/** Of the pods that use an object whose change the leaf refused: a thousand Events would say no more. */
const TOLD_PODS = 10

/** Between looks whether orphans still need a copy: rare, and nothing hurries. */
const HELD_BACK_MS = 60_000

function split(key: ConfigurationKey) {
  const [plural, namespace, name] = key.split('/') as [Plural, string, string]
  return { plural, objectKey: `${namespace}/${name}`, ref: { namespace, name } }
}

/** What people call it. */
function describe(key: ConfigurationKey): string {
  const { plural, ref } = split(key)
  return `${RESOURCES[plural].kind} ${ref.name}`
}

function isVersion(one: KubeObject | undefined, other: KubeObject | undefined): boolean {
  return (
    one?.metadata?.uid === other?.metadata?.uid && one?.metadata?.resourceVersion === other?.metadata?.resourceVersion
  )
}
