import type { ObjectRef } from '../objects/key.ts'
import type { Resource } from '../objects/resources.ts'

export interface PathOptions {
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly subresource?: string | undefined
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
}

/** URL path of a collection, an object or a subresource. Every part is escaped. */
export function pathOf(resource: Resource, options: PathOptions = {}): string {
  const { namespace, name, subresource, query } = options
  let path = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  if (resource.namespaced && namespace !== undefined) path += `/namespaces/${encodeURIComponent(namespace)}`
  path += `/${resource.plural}`
  if (name !== undefined) path += `/${encodeURIComponent(name)}`
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

function queryOf(query: PathOptions['query'] = {}): string {
  return Object.entries(query)
    .filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join('&')
}
