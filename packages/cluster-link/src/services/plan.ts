import type { EndpointSlice, KubeObject, ObjectKey, Service } from '@kosmos/kube'
import type { SeenFrom } from './addresses.ts'
import { exportProblem } from './conditions.ts'
import type { Exported } from './exports.ts'
import { type Conflict, type ExportedService, type Merged, mergeExports } from './merge.ts'
import type { Reach } from './reach.ts'
import { type ServiceImport, sourceClusterLabel } from './resources.ts'
import { type Essence, importedSlice, withReach } from './slices.ts'

/** What is known of one name. */
export interface ImportView {
  readonly key: ObjectKey
  /** What each cluster that takes part says. */
  readonly sources: ReadonlyMap<string, Exported>
  /** Ours. */
  readonly present: ServiceImport | undefined
  readonly slices: readonly EndpointSlice[]
}

/** What an import is to be like. */
export interface ImportPlan {
  readonly spec: Merged['spec']
  readonly clusters: readonly string[]
}

/** Those exports of a name that are valid. */
export function validExports(sources: ReadonlyMap<string, Exported>): ExportedService[] {
  return [...sources].flatMap(([cluster, source]) => {
    if (source.kind !== 'asked' || source.service === undefined || exportProblem(source.service)) return []
    return [{ cluster, since: String(source.request.metadata.creationTimestamp), service: source.service }]
  })
}

export function conflictsOf(sources: ReadonlyMap<string, Exported>): readonly Conflict[] {
  const exported = validExports(sources)
  return exported.length > 1 ? mergeExports(exported).conflicts : []
}

/**
 * What is imported under a name; undefined: nothing. While a cluster that has a part in it is silent since we started, the
 * import stays as that cluster made it: an API server that is away has not taken back what it exported.
 */
export function planImport({ sources, present, slices }: ImportView): ImportPlan | undefined {
  const exported = validExports(sources)
  const before = new Set([...(present?.status?.clusters ?? []).map(({ cluster }) => cluster), ...slices.map(sourceOf)])
  const silent = [...before].filter((cluster) => sources.get(cluster)?.kind === 'unknown')
  const clusters = [...new Set([...exported.map(({ cluster }) => cluster), ...silent])].sort()
  if (clusters.length === 0) return undefined
  if (silent.length === 0 || present === undefined) {
    return exported.length > 0 ? { spec: mergeExports(exported).spec, clusters } : undefined
  }
  const { ips: _, ...spec } = present.spec
  return { spec, clusters }
}

/**
 * What of a plan is for a reader: a Service there has addresses of the families that Services there have, and no others.
 * @param families empty: nobody knows
 * @returns undefined if they have none in common
 */
export function planFor(plan: ImportPlan, families: ReadonlySet<string>): ImportPlan | undefined {
  const { type, ipFamilies = [] } = plan.spec
  if (type === 'Headless' || families.size === 0 || ipFamilies.length === 0) return plan
  const common = ipFamilies.filter((family) => families.has(family))
  return common.length > 0 ? { ...plan, spec: { ...plan.spec, ipFamilies: common } } : undefined
}

export interface SlicesContext {
  readonly owner: ServiceImport
  readonly spec: Merged['spec']
  readonly rootId: string
  /** How a cluster's addresses are written for the reader; undefined: not known now. */
  readonly seenFrom: (cluster: string) => SeenFrom | undefined
  readonly reachOf: (cluster: string) => Reach['reaches']
}

/** The slices of an import: those that it has stay while nobody can say better. */
export function planSlices(view: ImportView, context: SlicesContext): ((KubeObject & Essence) | EndpointSlice)[] {
  return [...view.sources].flatMap(([cluster, source]) => {
    const reaches = context.reachOf(cluster)
    const seen = context.seenFrom(cluster)
    if (source.kind === 'none') return []
    if (source.kind === 'unknown' || seen === undefined) {
      return view.slices.filter((slice) => sourceOf(slice) === cluster).map((slice) => withReach(slice, reaches))
    }
    if (exportProblem(source.service)) return []
    return source.slices.flatMap((slice) => importedSlice(slice, { ...context, cluster, seen, reaches }) ?? [])
  })
}

const sourceOf = ({ metadata }: EndpointSlice): string => metadata.labels?.[sourceClusterLabel] ?? ''

/** The Service that an exported one is, where there is any. */
export const serviceOf = (source: Exported | undefined): Service | undefined =>
  source?.kind === 'asked' ? source.service : undefined
