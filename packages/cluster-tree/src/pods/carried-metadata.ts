import { hash } from 'node:crypto'
import { rootMetadataAnnotation } from '@kosmos/api'
import type { Pod } from '@kosmos/kube'

type Strings = Readonly<Record<string, string>>

/** What a copy remembers of the root pod's labels and annotations, so that a change is known as one, also after a restart. */
interface Carried {
  /** Of names and values. Values are not compared with the copy's: a webhook of the leaf may have its own. */
  readonly hash: string
  readonly labels: readonly string[]
  readonly annotations: readonly string[]
}

/** The value of the annotation that a copy of this root pod carries. Pure. */
export function carriedMetadata({ metadata: { labels = {}, annotations = {} } }: Pod): string {
  const carried: Carried = {
    hash: hash('sha1', JSON.stringify([sorted(labels), sorted(annotations)])).slice(0, 16),
    labels: Object.keys(labels).sort(),
    annotations: Object.keys(annotations).sort(),
  }
  return JSON.stringify(carried)
}

/** Labels and annotations that an earlier state of the root pod had given the copy and that are not `wanted` any more. Pure. */
export function droppedMetadata(
  leaf: Pod,
  wanted: { readonly labels: Strings; readonly annotations: Strings },
): { readonly labels: readonly string[]; readonly annotations: readonly string[] } {
  const { labels, annotations } = parse(leaf.metadata.annotations?.[rootMetadataAnnotation])
  return {
    labels: labels.filter((key) => !Object.hasOwn(wanted.labels, key)),
    annotations: annotations.filter((key) => !Object.hasOwn(wanted.annotations, key)),
  }
}

const nothing = { labels: [], annotations: [] }

/** Somebody in the leaf may have written anything there. */
function parse(json: string | undefined): Pick<Carried, 'labels' | 'annotations'> {
  try {
    const { labels, annotations } = { ...nothing, ...JSON.parse(json ?? '{}') }
    return areStrings(labels) && areStrings(annotations) ? { labels, annotations } : nothing
  } catch {
    return nothing
  }
}

function areStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function sorted(map: Strings): [string, string][] {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))
}
