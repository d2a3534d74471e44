/** What a request does, as API audit logs call it; WATCHLIST is a watch that begins with a list (sendInitialEvents). */
export type Verb =
  | 'GET'
  | 'LIST'
  | 'WATCH'
  | 'WATCHLIST'
  | 'CREATE'
  | 'UPDATE'
  | 'PATCH'
  | 'DELETE'
  | 'DELETECOLLECTION'
  | 'CONNECT'
  /** Not about a resource: /version, /healthz, discovery. */
  | 'OTHER'

const connecting = new Set(['exec', 'attach', 'portforward', 'proxy'])
const writes: Readonly<Record<string, Verb>> = { POST: 'CREATE', PUT: 'UPDATE', PATCH: 'PATCH', DELETE: 'DELETE' }

/** Classifies a request by method and path with query, as the API server does (k8s.io/apiserver, requestinfo.go). */
export function verbOf(method: string, url: string): Verb {
  const { pathname, searchParams } = new URL(url, 'https://cluster')
  const parts = pathname.split('/').filter(Boolean)
  const rest = parts[0] === 'api' ? parts.slice(2) : parts[0] === 'apis' ? parts.slice(3) : []
  // `namespaces/NAME/pods` is about pods, `namespaces/NAME` about a namespace.
  const namespaced = rest[0] === 'namespaces' && rest.length > 2 && !['status', 'finalize'].includes(rest[2] ?? '')
  const [resource, name, subresource] = namespaced ? rest.slice(2) : rest
  if (!resource) return 'OTHER'
  if (connecting.has(subresource ?? '')) return 'CONNECT'
  if (method === 'GET' || method === 'HEAD') {
    if (isTrue(searchParams.get('watch'))) return isTrue(searchParams.get('sendInitialEvents')) ? 'WATCHLIST' : 'WATCH'
    return name ? 'GET' : 'LIST'
  }
  if (method === 'DELETE' && !name) return 'DELETECOLLECTION'
  return writes[method] ?? 'OTHER'
}

/** As Go's conversion of a query parameter to bool: anything but 0 and false, also nothing after the equals sign. */
function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false'
}
