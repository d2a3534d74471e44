import type { ApiServerAddress } from '../pods/translate/translation.ts'

/** Host and port of `spec.clusterTreeOptions.rootAPIServer`, which the API server has validated. Pure. */
export function apiServerAddress(origin: string | undefined): ApiServerAddress | undefined {
  if (origin === undefined || !URL.canParse(origin)) return undefined
  const { hostname, port } = new URL(origin)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port || '443' }
}
