import type { ServerResponse } from 'node:http'
import { send } from '../answer.ts'
import { parseLogOptions } from '../logs/options.ts'
import { streamLogs } from '../logs/stream.ts'
import type { RequestContext } from './context.ts'
import { locate } from './locate.ts'
import type { RouteParams } from './params.ts'

/** GET /containerLogs/{namespace}/{pod}/{container} */
export async function containerLogs(
  { namespace = '', pod = '', container = '' }: RouteParams,
  query: URLSearchParams,
  response: ServerResponse,
  { node }: RequestContext,
): Promise<void> {
  const parsed = parseLogOptions(query)
  if (!parsed.ok) return send(response, parsed)
  const located = await locate(node.pods, { namespace, pod })
  if ('answer' in located) return send(response, located.answer)
  await streamLogs({ pod: located.found, container, options: parsed.options }, response)
}
