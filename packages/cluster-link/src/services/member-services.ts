import { isDeepStrictEqual } from 'node:util'
import { type Condition, withCondition } from '@kosmos/api'
import {
  type Client,
  Controller,
  type ControllerOptions,
  type KubeObject,
  type ObjectKey,
  type Requeue,
  timestamp,
} from '@kosmos/kube'
import { AutoExports, isAutomatic } from './auto-exports.ts'
import { exportConditions } from './conditions.ts'
import { MemberExports } from './exports.ts'
import { Importer, type Surroundings } from './importer.ts'
import { MemberImports } from './imports.ts'
import { conflictsOf, serviceOf } from './plan.ts'
import { type ServiceExport, serviceExports } from './resources.ts'
import { change } from './write.ts'

export interface MemberServicesOptions {
  readonly name: string
  readonly client: Client
  readonly rootId: string
  readonly surroundings: Surroundings
  /** Something about an exported name has changed here. */
  readonly exportChanged: (key: ObjectKey) => void
  /** What any cluster exports from a namespace. */
  readonly exportedFrom: (namespace: string) => Iterable<ObjectKey>
  /** Why a name cannot be imported here, or that it can. */
  readonly blocked: (key: ObjectKey, why: string | undefined) => void
  /** What stands in the way of a name, by cluster. */
  readonly blocks: (key: ObjectKey) => ReadonlyMap<string, string>
  /** Whether another root links the cluster: then it speaks of exports here. */
  readonly isAnothers: () => boolean
  /** Whether the annotation of the original Kosmos exports Services here. */
  readonly followsAnnotation: boolean
  readonly onReconcile?: ControllerOptions<string>['onReconcile']
}

/** Multi-cluster Services in one linked cluster: what it exports, and what it imports. It has its own queue. */
export class MemberServices {
  readonly exports: MemberExports
  readonly imports: MemberImports
  readonly #options: MemberServicesOptions
  readonly #controller: Controller
  readonly #importer: Importer
  readonly #automatic: AutoExports | undefined

  constructor(options: MemberServicesOptions) {
    const { name, client, rootId, surroundings, blocked, onReconcile } = options
    this.#options = options
    this.exports = new MemberExports(client, (key) => options.exportChanged(key))
    this.imports = new MemberImports(client, rootId)
    this.#importer = new Importer({ client, rootId, imports: this.imports, surroundings, blocked })
    this.#controller = new Controller({
      name: 'link-services',
      concurrency: 8,
      reconcile: (key) => this.#reconcile(key),
      ...(onReconcile && { onReconcile: (seen) => onReconcile({ ...seen, key: `${name}/${seen.key}` }) }),
    })
    this.#controller.waitFor(this.imports.synced)
    if (options.followsAnnotation) {
      this.#automatic = new AutoExports(client, (key) => this.enqueue(key))
      this.#controller.waitFor(this.#automatic.synced)
    }
    this.imports.subscribe(
      (key) => this.enqueue(key),
      (namespace) => {
        for (const key of options.exportedFrom(namespace)) this.enqueue(key)
      },
    )
  }

  enqueue(key: ObjectKey): void {
    this.#controller.enqueue(key)
  }

  /** Whether nothing of ours is there any more. */
  get isClean(): boolean {
    const requests = [...this.exports.requests.store.values()]
    const isOurs = (one: ServiceExport) =>
      (!this.#options.isAnothers() && !saysNothing(one)) || (this.#automatic !== undefined && isAutomatic(one))
    return this.imports.keys().size === 0 && !requests.some(isOurs)
  }

  async run(signal: AbortSignal): Promise<void> {
    const all = [this.exports, this.imports, this.#controller, ...(this.#automatic ? [this.#automatic] : [])]
    await Promise.all(all.map((one) => one.run(signal)))
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const { requests } = this.exports
    if (requests.hasSynced) {
      const isLinked = this.#options.surroundings.sources(key).size > 0
      await this.#automatic?.reconcile(key, requests.get(key), isLinked)
    }
    const requeue = await this.#importer.reconcile(key)
    await this.#showConditions(key)
    return requeue
  }

  async #showConditions(key: ObjectKey): Promise<void> {
    const { name, client, surroundings, blocks, isAnothers } = this.#options
    const request = this.exports.requests.get(key)
    if (request === undefined || request.metadata.deletionTimestamp || isAnothers()) return
    const sources = surroundings.sources(key)
    const own = sources.get(name)
    if (own?.kind === 'unknown') return
    const before = request.status?.conditions ?? []
    const now = timestamp(Date.now())
    const facts = {
      service: serviceOf(own),
      conflicts: conflictsOf(sources),
      blocked: blocks(key),
      observedGeneration: request.metadata.generation ?? 1,
    }
    // A cluster that is linked no longer exports nothing: what was said of it goes.
    const conditions: readonly Condition[] =
      own === undefined ? [] : exportConditions(facts).reduce((all, one) => withCondition(all, one, now), before)
    if (isDeepStrictEqual(conditions, before)) return
    await change(client, serviceExports, request, { status: { conditions } } as KubeObject, 'status')
  }
}

const saysNothing = ({ status }: ServiceExport): boolean => (status?.conditions ?? []).length === 0
