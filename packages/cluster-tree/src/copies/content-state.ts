import { hash } from 'node:crypto'
import { fieldsAnnotation } from '@kosmos/api'
import type { KubeObject } from '@kosmos/kube'
import { isWhole } from './noted-fields.ts'

/** A copy as the watch of its leaf holds it: its metadata, and what its managedFields tell. */
export interface WatchedCopy extends KubeObject {
  /** Undefined if the leaf's API server keeps no account of who writes. */
  readonly content?: ContentState
}

/** What metadata alone tells of the content of a copy: not what is in it, but who wrote it. */
export interface ContentState {
  /** Of what we wrote last: every change of ours makes it another one. */
  readonly version: string
  /** Which fields there are, whoever wrote them. */
  readonly fields: string
  /** Whether all fields are there that we noted when we wrote. */
  readonly isWhole: boolean
  /** Names under which others have changed or added a field since. */
  readonly others: readonly string[]
}

/** As the API server writes them (KEP-555, ObjectMeta.managedFields). */
interface ManagedFields {
  readonly manager?: string
  /** Seconds, RFC 3339. */
  readonly time?: string
  readonly fieldsV1?: FieldSet
}

interface FieldSet {
  readonly [key: string]: FieldSet
}

/** What is not content. */
const ELSEWHERE = new Set(['f:apiVersion', 'f:kind', 'f:metadata', 'f:status'])
/** Every annotation by which we know what a copy shows. */
const OURS = 'kosmos.io/'

/**
 * Takes managedFields apart, which are often more than the rest of a copy, and what we noted of its fields. A field belongs to who changed it last, so what others have
 * and we have not, they wrote over ours, or beside it. Where they wrote before our last change it is what we wrote as well: that
 * change was of the whole content. A field that somebody took away belongs to nobody; that there is none is all that tells. Pure.
 * @param fieldManager what we are called in the leaf
 */
export function withContentState(object: KubeObject, fieldManager: string): WatchedCopy {
  const { managedFields, annotations, ...rest } = {
    managedFields: undefined,
    annotations: undefined,
    ...object.metadata,
  } as KubeObject['metadata'] & { readonly managedFields: readonly ManagedFields[] | undefined }
  const { [fieldsAnnotation]: noted, ...kept } = annotations ?? {}
  const metadata = { ...rest, ...(annotations && { annotations: kept }) }
  const copy = { ...object, metadata }
  if (!managedFields) return copy
  const writers = managedFields.map(({ manager = '', time = '', fieldsV1 = {} }) => {
    const content = Object.entries(fieldsV1).filter(([key]) => !ELSEWHERE.has(key))
    return { manager, writtenAt: Date.parse(time), fields: [...leaves(Object.fromEntries(content))] }
  })
  const own = writers.filter(({ manager }) => manager === fieldManager)
  const ours = new Set(own.flatMap(({ fields }) => fields))
  const lastOfOurs = Math.max(...own.map(({ writtenAt }) => writtenAt))
  const others = writers
    .filter(({ fields, writtenAt }) => !(writtenAt < lastOfOurs) && fields.some((field) => !ours.has(field)))
    .map(({ manager }) => manager)
  const shown = Object.entries(annotations ?? {}).filter(([key]) => key.startsWith(OURS))
  const fields = new Set(writers.flatMap(({ fields }) => fields))
  const content = {
    version: digest([metadata.uid, ...shown.sort()]),
    fields: digest([...fields].sort()),
    isWhole: isWhole(noted, fields),
    others: [...new Set(others)],
  }
  return { ...copy, content }
}

/** Paths of the fields of a set; not of the maps that hold them, which come and go with what is in them. */
function* leaves(set: FieldSet, path = ''): Generator<string> {
  for (const [key, below] of Object.entries(set)) {
    if (key === '.') continue
    const at = `${path}/${key}`
    if (Object.keys(below).length === 0) yield at
    else yield* leaves(below, at)
  }
}

function digest(value: readonly unknown[]): string {
  return hash('sha1', JSON.stringify(value), 'base64')
}
