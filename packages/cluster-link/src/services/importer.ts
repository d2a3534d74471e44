import { isDeepStrictEqual } from 'node:util'
import { importedByLabel, type NewCondition, withCondition } from '@kosmos/api'
import {
  type Client,
  type EndpointSlice,
  endpointSlices,
  type KubeObject,
  type ObjectKey,
  type Requeue,
  refOf,
  type Service,
  services,
  timestamp,
} from '@kosmos/kube'
import type { SeenFrom } from './addresses.ts'
import { derivedService, isAsDerived } from './derived.ts'
import type { Exported } from './exports.ts'
import type { MemberImports } from './imports.ts'
import { type ImportPlan, type ImportView, planFor, planImport, planSlices } from './plan.ts'
import type { Reach } from './reach.ts'
import { type ServiceImport, type ServiceImportSpec, serviceImports } from './resources.ts'
import type { Essence } from './slices.ts'
import { Blocked, change, create, hasMetadataOf, remove } from './write.ts'

/** What a reader has to know of the others. */
export interface Surroundings {
  /** What each cluster that takes part says of a name; empty when the reader takes no part. */
  readonly sources: (key: ObjectKey) => ReadonlyMap<string, Exported>
  readonly seenFrom: (cluster: string) => SeenFrom | undefined
  readonly reachOf: (cluster: string) => Reach['reaches']
  /** Of which families Services of the reader are; empty: not known. */
  readonly serviceFamilies: () => ReadonlySet<string>
}

export interface ImporterOptions {
  readonly client: Client
  readonly rootId: string
  readonly imports: MemberImports
  readonly surroundings: Surroundings
  /** Why a name cannot be imported here, or that it can. */
  readonly blocked: (key: ObjectKey, why: string | undefined) => void
}

/** Between looks whether what is in the way still is. */
const BLOCKED_MS = 30_000

/** Brings the ServiceImport of one name in one cluster to what is exported, with its Service and its slices. */
export class Importer {
  readonly #options: ImporterOptions

  constructor(options: ImporterOptions) {
    this.#options = options
  }

  async reconcile(key: ObjectKey): Promise<Requeue> {
    const { imports, surroundings, blocked } = this.#options
    const present = imports.get(key)
    const ours = present && imports.isOurs(present) ? present : undefined
    const view: ImportView = { key, sources: surroundings.sources(key), present: ours, slices: imports.slicesOf(key) }
    const plan = planImport(view)
    try {
      if (plan === undefined) await this.#removeAll(view)
      else if (imports.hasNamespace(refOf(key).namespace ?? '')) await this.#bring(view, plan, present)
      blocked(key, undefined)
      return
    } catch (error) {
      if (!(error instanceof Blocked)) throw error
      blocked(key, error.message)
      return { afterMs: BLOCKED_MS }
    }
  }

  async #bring(view: ImportView, exported: ImportPlan, there: ServiceImport | undefined): Promise<void> {
    const { client, rootId, imports, surroundings } = this.#options
    if (there && !view.present) {
      throw new Blocked(
        'there is a ServiceImport of this name that this root did not create and will not touch; delete it',
      )
    }
    const families = surroundings.serviceFamilies()
    const own = planFor(exported, families)
    const plan = own ?? exported
    const { namespace, name } = refOf(view.key)
    const metadata = { name, namespace, labels: { [importedByLabel]: rootId } }
    const isOurs = (one: KubeObject) => imports.isOurs(one)
    const first = { metadata, spec: plan.spec } as KubeObject
    const owner = view.present ?? (await create(client, serviceImports, first, isOurs))
    if (owner === undefined) return
    const ready: NewCondition = { type: 'Ready', status: 'True', reason: 'Ready', message: '' }
    try {
      if (own === undefined) {
        await this.#removeDerived(view)
        const [theirs, ours] = [exported.spec.ipFamilies ?? [], [...families]].map((some) => some.join(' and '))
        throw new Blocked(
          `it is for Services of ${theirs}, and here are Services of ${ours}; add a family to what is exported`,
        )
      }
      const ips = plan.spec.type === 'Headless' ? [] : await this.#address(view.key, owner, plan)
      if (plan.spec.type === 'Headless') await this.#removeServices(view.key)
      // Its address is still to come.
      if (ips === undefined) return
      const spec = { ...plan.spec, ips }
      if (!isAsWanted(owner.spec, spec))
        await change(client, serviceImports, owner, { metadata, spec: patchOf(spec) } as KubeObject)
      await this.#bringSlices(view, owner, plan)
      await this.#say(owner, plan, ready)
    } catch (error) {
      if (!(error instanceof Blocked)) throw error
      await this.#say(owner, plan, { ...ready, status: 'False', reason: 'Pending', message: error.message })
      throw error
    }
  }

  /** The addresses of the Service that stands for an import; undefined: its namespace goes, or it is being made anew. */
  async #address(key: ObjectKey, owner: ServiceImport, { spec }: ImportPlan): Promise<readonly string[] | undefined> {
    const { client, rootId, imports } = this.#options
    const wanted = derivedService(owner, rootId, spec)
    const present = imports.servicesOf(key).find(({ metadata }) => metadata.name === wanted.metadata.name)
    let service: Service | undefined = present
    if (present === undefined) service = await create(client, services, wanted, (one) => imports.isOurs(one))
    else if (isOfAnotherFamily(present, spec)) {
      // Its first family cannot be changed. What comes in its place comes with the change.
      await remove(client, services, present)
      return undefined
    } else if (!isAsDerived(present, wanted)) {
      const { ports, sessionAffinity, ipFamilyPolicy } = wanted.spec
      const sessionAffinityConfig = wanted.spec.sessionAffinityConfig ?? null
      const families = ipFamilyPolicy && { ipFamilyPolicy, ipFamilies: familiesAfter(present, spec) }
      const changed = {
        metadata: wanted.metadata,
        spec: { ports, sessionAffinity, sessionAffinityConfig, ...families },
      }
      service = await change(client, services, present, changed as KubeObject)
    }
    return service?.spec?.clusterIPs
  }

  async #bringSlices(view: ImportView, owner: ServiceImport, { spec }: ImportPlan): Promise<void> {
    const { client, rootId, imports, surroundings } = this.#options
    const { seenFrom, reachOf } = surroundings
    const present = new Map(view.slices.map((slice) => [slice.metadata.name, slice]))
    for (const wanted of planSlices(view, { owner, spec, rootId, seenFrom, reachOf })) {
      const before = present.get(wanted.metadata?.name ?? '')
      present.delete(wanted.metadata?.name ?? '')
      if (before === undefined) await create(client, endpointSlices, wanted, (one) => imports.isOurs(one))
      else if (before !== wanted && !isSameSlice(before, wanted)) await change(client, endpointSlices, before, wanted)
    }
    // Last: who finds the new ones has no gap.
    for (const slice of present.values()) await remove(client, endpointSlices, slice)
  }

  async #say(owner: ServiceImport, plan: ImportPlan, ready: NewCondition): Promise<void> {
    const before = owner.status?.conditions ?? []
    const conditions = withCondition(before, ready, timestamp(Date.now()))
    const clusters = plan.clusters.map((cluster) => ({ cluster }))
    if (conditions === before && isDeepStrictEqual(owner.status?.clusters ?? [], clusters)) return
    await change(
      this.#options.client,
      serviceImports,
      owner,
      { status: { clusters, conditions } } as KubeObject,
      'status',
    )
  }

  async #removeServices(key: ObjectKey): Promise<void> {
    for (const service of this.#options.imports.servicesOf(key)) await remove(this.#options.client, services, service)
  }

  async #removeDerived({ key, slices }: ImportView): Promise<void> {
    for (const slice of slices) await remove(this.#options.client, endpointSlices, slice)
    await this.#removeServices(key)
  }

  async #removeAll(view: ImportView): Promise<void> {
    await this.#removeDerived(view)
    if (view.present) await remove(this.#options.client, serviceImports, view.present)
  }
}

function isOfAnotherFamily({ spec }: Service, { ipFamilies = [] }: ImportPlan['spec']): boolean {
  const first = spec?.ipFamilies?.[0]
  return first !== undefined && ipFamilies.length > 0 && !ipFamilies.includes(first)
}

/** The first one stays the first one. */
function familiesAfter({ spec }: Service, { ipFamilies = [] }: ImportPlan['spec']): string[] {
  const first = spec?.ipFamilies?.[0]
  return [...ipFamilies].sort((a, b) => Number(b === first) - Number(a === first))
}

/** What a merge patch has to say to leave nothing of before. */
const patchOf = (spec: ServiceImportSpec) => ({ ...spec, sessionAffinityConfig: spec.sessionAffinityConfig ?? null })

function isAsWanted(present: ServiceImportSpec, wanted: ServiceImportSpec): boolean {
  const { ips = [], sessionAffinityConfig, ...spec } = present
  return isDeepStrictEqual(
    { ...spec, ips, sessionAffinityConfig },
    { ...wanted, sessionAffinityConfig: wanted.sessionAffinityConfig },
  )
}

function isSameSlice(present: EndpointSlice, wanted: KubeObject & Essence): boolean {
  return (
    hasMetadataOf(present, wanted) &&
    isDeepStrictEqual(present.endpoints ?? [], wanted.endpoints ?? []) &&
    isDeepStrictEqual(present.ports ?? [], wanted.ports ?? [])
  )
}
