import { hash } from 'node:crypto'
import { fieldsAnnotation } from '@kosmos/api'
import type { KubeObject } from '@kosmos/kube'

/** Fields; of more nothing is noted: all annotations of an object together have 256 KiB. */
const MOST = 1_000
/** Characters of base64, so 24 bits: names of keys are as long as they like, and those of Secrets are not for everybody. */
const MARK_LENGTH = 4

/** What has no content of ours. */
const ELSEWHERE = new Set(['apiVersion', 'kind', 'metadata', 'status'])
/** Maps that are one field (`x-kubernetes-map-type: atomic`). */
const ATOMIC = new Set(['/f:spec/f:selector'])
/** Lists whose items are fields of their own, and what of an item tells it from others. */
const KEYED: Readonly<Record<string, readonly string[]>> = { '/f:spec/f:ports': ['port', 'protocol'] }
/** Which API servers that we still meet drop, because they do not know them. */
const YOUNG = new Set(['/f:spec/f:trafficDistribution'])

/** A copy that says which fields it is written with: whoever takes one out leaves no other trace. Pure. */
export function withFieldsNoted(object: KubeObject): KubeObject {
  const content = Object.fromEntries(Object.entries(object).filter(([name]) => !ELSEWHERE.has(name)))
  const marks = [...fieldsOf(content)].map(markOf)
  if (marks.length > MOST) return object
  const annotations = { ...object.metadata?.annotations, [fieldsAnnotation]: marks.join('') }
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/**
 * Whether all fields are there that a copy was written with. Others may be there as well: the leaf's admission may add some. Pure.
 * @param noted the value of the annotation; what has none is held to be whole
 * @param present paths of the fields that there are, as managedFields have them: `/f:data/f:colour`
 */
export function isWhole(noted: string | undefined, present: Iterable<string>): boolean {
  if (!noted) return true
  const marks = new Set(Iterator.from(present).map(markOf))
  for (let at = 0; at < noted.length; at += MARK_LENGTH) if (!marks.has(noted.slice(at, at + MARK_LENGTH))) return false
  return true
}

function* fieldsOf(value: unknown, path = ''): Generator<string> {
  if (value === null || value === undefined || YOUNG.has(path)) return
  const keys = KEYED[path]
  if (keys && Array.isArray(value)) {
    for (const item of value) {
      const key = JSON.stringify(Object.fromEntries(keys.map((name) => [name, item[name]])))
      yield* fieldsOf(item, `${path}/k:${key}`)
    }
  } else if (typeof value !== 'object' || Array.isArray(value) || ATOMIC.has(path)) yield path
  else for (const [name, below] of Object.entries(value)) yield* fieldsOf(below, `${path}/f:${name}`)
}

function markOf(path: string): string {
  return hash('sha1', path, 'base64').slice(0, MARK_LENGTH)
}
