import type { ServerResponse } from 'node:http'
import { send } from '../answer.ts'
import { parseStreamOptions, streamQuery } from '../tunnel/query.ts'
import type { RequestContext } from './context.ts'
import { openInLeaf } from './open-in-leaf.ts'
import type { RouteParams } from './params.ts'

/** GET and POST /{exec,attach}/{namespace}/{pod}[/{uid}]/{container}, which must ask for an upgrade */
export function streams(session: 'exec' | 'attach') {
  return async (params: RouteParams, query: URLSearchParams, response: ServerResponse, context: RequestContext) => {
    const parsed = parseStreamOptions(query)
    if (!parsed.ok) return send(response, parsed)
    await openInLeaf(session, streamQuery(params.container ?? '', parsed.options), params, response, context)
  }
}
