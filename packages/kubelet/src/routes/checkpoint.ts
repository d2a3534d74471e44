import type { ServerResponse } from 'node:http'
import { ClusterUnreachable, type Connection, statusOf } from '@kosmos/kube'
import { type Answer, isRedirect, loginRefused, redirectRefused, send } from '../answer.ts'
import type { RequestContext } from './context.ts'
import { locate } from './locate.ts'
import type { RouteParams } from './params.ts'

/** RFC 1123 label. */
const containerName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/**
 * POST /checkpoint/{namespace}/{pod}/{container}: by the kubelet of the leaf node that has the pod, where the archive stays. The
 * account in the leaf may not do that unless somebody grants it, because the same right lets it run commands in every pod there.
 */
export async function checkpoint(
  { namespace = '', pod = '', container = '' }: RouteParams,
  query: URLSearchParams,
  response: ServerResponse,
  { node }: RequestContext,
): Promise<void> {
  const located = await locate(node.pods, { namespace, pod })
  if ('answer' in located) return send(response, located.answer)
  // It becomes part of a path in the leaf, where `..%2F..%2Fkube-system%2Fetcd%2Fetcd` would be another pod's.
  if (!containerName.test(container))
    return send(response, { code: 404, text: `container ${container} does not exist` })
  const timeout = query.getAll('timeout').at(-1)
  // 404 is what upstream answers.
  if (timeout !== undefined && !/^[+-]?\d{1,18}$/.test(timeout)) {
    return send(response, { code: 404, text: 'cannot parse value of timeout parameter' })
  }
  const { connection, nodeName, namespace: leafNamespace, name } = located.found
  if (!nodeName)
    return send(response, { code: 503, text: `pod ${namespace}/${pod} has no node in cluster ${connection.name} yet` })
  const below = ['checkpoint', leafNamespace, name, container].map(encodeURIComponent).join('/')
  const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}/proxy/${below}`
  send(response, await ask(connection, timeout === undefined ? path : `${path}?timeout=${encodeURIComponent(timeout)}`))
}

async function ask(connection: Connection, path: string): Promise<Answer> {
  try {
    const { code, body } = await connection.request({ method: 'POST', path, accept: '*/*', forwarded: true })
    if (code === 401) return loginRefused(connection.name)
    if (isRedirect(code)) return redirectRefused(connection.name)
    if (code === 403) {
      const { message = '' } = statusOf(code, body)
      const right = '"create" on nodes/proxy, which would also let it run commands in every pod of that cluster'
      const text = `the account of Kosmos in cluster ${connection.name} may make no checkpoints: it needs ${right}: ${message}`
      return { code: 501, text }
    }
    const isText = typeof body === 'string'
    const headers = isText ? {} : { 'Content-Type': 'application/json' }
    return { code, text: isText ? body : JSON.stringify(body ?? ''), headers }
  } catch (error) {
    if (!(error instanceof ClusterUnreachable)) throw error
    return { code: 503, text: error.message }
  }
}
