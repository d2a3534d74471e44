import type { ServerResponse } from 'node:http'
import { send } from '../answer.ts'
import { parseStreamOptions, streamQuery } from '../tunnel/query.ts'
import { tunnel } from '../tunnel/tunnel.ts'
import type { RequestContext } from './context.ts'
import { locate } from './locate.ts'
import type { RouteParams } from './params.ts'

/** GET and POST /exec/{namespace}/{pod}[/{uid}]/{container}, which must ask for an upgrade */
export async function exec(
  { namespace = '', pod = '', uid, container = '' }: RouteParams,
  query: URLSearchParams,
  response: ServerResponse,
  { node, upgrade, answered }: RequestContext,
): Promise<void> {
  const parsed = parseStreamOptions(query)
  if (!parsed.ok) return send(response, parsed)
  const located = await locate(node.podLocator, { namespace, pod, ...(uid && { uid }) })
  if ('answer' in located) return send(response, located.answer)
  if (!upgrade) return send(response, { code: 400, text: 'Upgrade request required' })
  const { connection, namespace: leafNamespace, name } = located.found
  const path = `/api/v1/namespaces/${encodeURIComponent(leafNamespace)}/pods/${encodeURIComponent(name)}/exec?${streamQuery(container, parsed.options)}`
  await tunnel(upgrade, { connection, path }, undefined, () => answered(101))
}
