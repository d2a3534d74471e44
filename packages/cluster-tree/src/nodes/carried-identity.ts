import { nodeCarriesAnnotation } from '@kosmos/api'
import type { Node } from '@kosmos/kube'

type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number]
type Labels = Readonly<Record<string, string>>

/** What a virtual node should have of us. */
export interface Identity {
  readonly metadata: { readonly labels: Labels; readonly annotations: Labels }
  readonly spec: { readonly taints?: readonly Taint[] }
}

/** The value of the annotation by which a node remembers what is ours on it, so that it can go again, also after a restart. */
export function stampOf(labels: Labels, taints: readonly Taint[]): string {
  return JSON.stringify({ labels: Object.keys(labels).sort(), taints: taints.map(idOf).sort() })
}

/**
 * A merge patch that gives the node our labels, annotations and taints, and takes away those that an earlier model or leaf node
 * had given it; undefined when it is as it should be. What others added stays. Pure.
 */
export function identityPatch(present: Node, wanted: Identity): object | undefined {
  const { uid, resourceVersion, labels: has = {}, annotations: says = {} } = present.metadata
  const { labels, annotations } = wanted.metadata
  const before = parse(says[nodeCarriesAnnotation])
  const lost = before.labels.filter((key) => !Object.hasOwn(labels, key) && Object.hasOwn(has, key))
  const patch = {
    labels: { ...Object.fromEntries(lost.map((key) => [key, null])), ...missing(labels, has) },
    annotations: missing(annotations, says),
  }
  const taints = taintsWanted(present.spec?.taints ?? [], wanted.spec.taints ?? [], before.taints)
  if (Object.keys({ ...patch.labels, ...patch.annotations }).length === 0 && taints === undefined) return undefined
  // Taints of others go with ours in one list, so it must be the list that was read.
  return { metadata: { uid, ...patch, ...(taints && { resourceVersion }) }, ...(taints && { spec: { taints } }) }
}

/** What a node has of us, and one taint more. Pure. */
export function withTaint(present: Node, taint: Taint): Identity {
  const { labels: has = {}, annotations = {} } = present.metadata
  const carried = parse(annotations[nodeCarriesAnnotation])
  const labels = Object.fromEntries(Object.entries(has).filter(([key]) => carried.labels.includes(key)))
  const ours = (present.spec?.taints ?? []).filter((present) => carried.taints.includes(idOf(present)))
  return alsoTainted({ metadata: { labels, annotations: {} }, spec: { taints: ours } }, taint)
}

/** What a node should have of us, and one taint more. Pure. */
export function alsoTainted({ metadata: { labels, annotations }, spec }: Identity, taint: Taint): Identity {
  const taints = [...(spec.taints ?? []).filter((one) => !sameTaint(one, taint)), taint]
  return {
    metadata: { labels, annotations: { ...annotations, [nodeCarriesAnnotation]: stampOf(labels, taints) } },
    spec: { taints },
  }
}

function missing(wanted: Labels, has: Labels): Labels {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => has[key] !== value))
}

/** Undefined when nothing has to change. */
function taintsWanted(present: readonly Taint[], wanted: readonly Taint[], before: readonly string[]) {
  const isOurs = (taint: Taint) => before.includes(idOf(taint)) || wanted.some((ours) => sameTaint(ours, taint))
  const ours = present.filter(isOurs)
  const isKept = (taint: Taint) => ours.some((kept) => sameTaint(kept, taint) && kept.value === taint.value)
  if (ours.length === wanted.length && wanted.every(isKept)) return undefined
  return [...present.filter((taint) => !isOurs(taint)), ...wanted]
}

/** What an API server tells two taints of a node apart by. */
export function sameTaint(a: Taint, b: Taint): boolean {
  return idOf(a) === idOf(b)
}

function idOf({ key, effect }: Taint): string {
  return `${key}:${effect}`
}

const nothing = { labels: [], taints: [] }

/** Somebody may have written anything there. */
function parse(json: string | undefined): { readonly labels: readonly string[]; readonly taints: readonly string[] } {
  try {
    const { labels, taints } = { ...nothing, ...JSON.parse(json ?? '{}') }
    const areStrings = (value: unknown): value is string[] =>
      Array.isArray(value) && value.every((item) => typeof item === 'string')
    return areStrings(labels) && areStrings(taints) ? { labels, taints } : nothing
  } catch {
    return nothing
  }
}
