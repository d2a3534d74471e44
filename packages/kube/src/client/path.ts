import type { ObjectRef } from '../objects/key.ts'
import type { Resource } from '../objects/resources.ts'

export interface PathOptions {
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly subresource?: string | undefined
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
}

/** URL path of a collection, an object or a subresource. Every part is escaped. Throws TypeError on an empty part. */
export function pathOf(resource: Resource, options: PathOptions = {}): string {
  const { namespace, name, subresource, query } = options
  let path = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  if (resource.namespaced && namespace !== undefined) path += `/namespaces/${segment(resource, 'namespace', namespace)}`
  path += `/${resource.plural}`
  if (name !== undefined) path += `/${segment(resource, 'name', name)}`
  if (subresource !== undefined) path += `/${subresource}`
  const search = queryOf(query)
  return search === '' ? path : `${path}?${search}`
}

export function objectPath(
  resource: Resource,
  ref: ObjectRef,
  options: Omit<PathOptions, 'name' | 'namespace'> = {},
): string {
  if (resource.namespaced && ref.namespace === undefined) {
    throw new TypeError(`${resource.kind} ${ref.name}: a namespace is needed`)
  }
  return pathOf(resource, { ...options, namespace: ref.namespace, name: ref.name })
}

/** An empty part would name the whole collection: DELETE of it deletes every object there is. */
function segment(resource: Resource, part: 'namespace' | 'name', value: string): string {
  if (value === '') throw new TypeError(`${resource.kind}: a ${part} is needed, not an empty one`)
  return encodeURIComponent(value)
}

function queryOf(query: PathOptions['query'] = {}): string {
  return Object.entries(query)
    .filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join('&')
}
