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
export function carriedMetadata(root: Pod): string {
  const { labels = {}, annotations = {} } = root.metadata
  // The hash comes first, so that it can be compared without the rest.
  const carried: Carried = {
    hash: hashOf(root),
    labels: Object.keys(labels),
    annotations: Object.keys(annotations),
  }
  return JSON.stringify(carried)
}

/** Whether the copy carries the labels and annotations that the root pod has now. Pure. */
export function carriesMetadata(leaf: Pod, root: Pod): boolean {
  const stamp = leaf.metadata.annotations?.[rootMetadataAnnotation]
  return stamp?.startsWith(`{"hash":"${hashOf(root)}",`) ?? false
}

/** An API server gives the keys in one order, so the same maps are the same text. */
function hashOf({ metadata: { labels, annotations } }: Pod): string {
  return hash('sha1', JSON.stringify([labels, annotations])).slice(0, 16)
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
