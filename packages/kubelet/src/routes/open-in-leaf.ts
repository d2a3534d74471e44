import type { ServerResponse } from 'node:http'
import { send } from '../answer.ts'
import { tunnel } from '../tunnel/tunnel.ts'
import type { RequestContext } from './context.ts'
import { locate } from './locate.ts'
import type { RouteParams } from './params.ts'

/** Subresources of a pod that upgrade. */
type Session = 'exec' | 'attach' | 'portforward'

/** Joins the upgrade that the client asks for with that of the pod's subresource in its leaf; resolves when it is over. */
export async function openInLeaf(
  session: Session,
  query: string,
  { namespace = '', pod = '', uid }: RouteParams,
  response: ServerResponse,
  { node, upgrade, spares, answered }: RequestContext,
): Promise<void> {
  const located = await locate(node.pods, { namespace, pod, ...(uid && { uid }) })
  if ('answer' in located) return send(response, located.answer)
  if (!upgrade) return send(response, { code: 400, text: 'Upgrade request required' })
  const { connection, namespace: leafNamespace, name } = located.found
  const path = `/api/v1/namespaces/${encodeURIComponent(leafNamespace)}/pods/${encodeURIComponent(name)}/${session}`
  await tunnel(upgrade, { connection, path: query ? `${path}?${query}` : path }, spares, () => answered(101))
}
