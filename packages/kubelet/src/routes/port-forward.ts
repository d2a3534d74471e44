import type { ServerResponse } from 'node:http'
import { send } from '../answer.ts'
import { parsePorts, portsQuery } from '../tunnel/ports.ts'
import type { RequestContext } from './context.ts'
import { openInLeaf } from './open-in-leaf.ts'
import type { RouteParams } from './params.ts'

/** GET and POST /portForward/{namespace}/{pod}[/{uid}], which must ask for an upgrade */
export async function portForward(
  params: RouteParams,
  query: URLSearchParams,
  response: ServerResponse,
  context: RequestContext,
): Promise<void> {
  const parsed = parsePorts(query)
  if (!parsed.ok) return send(response, parsed)
  await openInLeaf('portforward', portsQuery(parsed.ports), params, response, context)
}
