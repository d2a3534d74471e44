import type { IncomingMessage } from 'node:http'
import type { User } from '@kosmos/kube/auth'
import type { Answer } from '../answer.ts'
import type { Log } from '../log.ts'
import { type Attributes, attributesOf, pathOf } from '../routes/attributes.ts'
import type { Authorize } from './access.ts'
import type { Authenticate } from './authenticate.ts'
import type { ClientCA } from './client-ca.ts'

export interface Guard {
  readonly authenticate: Authenticate
  readonly authorize: Authorize
  readonly log: Log
}

export interface Admitted {
  readonly user: User
  readonly attributes: Attributes
}

export type Admission = { readonly admitted: Admitted } | { readonly refused: Answer }

/**
 * The one door of the kubelet API: who asks, and may they? Comes before any routing, so that nothing is learnt without
 * credentials and no path is without rights. Answers follow InstallAuthFilter in pkg/kubelet/server/server.go.
 */
export async function admit(
  request: IncomingMessage,
  node: string,
  ca: ClientCA | undefined,
  { authenticate, authorize, log }: Guard,
): Promise<Admission> {
  let user: User | undefined
  try {
    user = await authenticate(request, ca)
  } catch (error) {
    log({ level: 'error', event: 'authentication-failed', node, error: messageOf(error) })
  }
  if (!user) return refuse(401, 'Unauthorized')

  const path = pathOf(request.url ?? '')
  if (path === undefined) return refuse(400, 'Bad Request')
  const attributes = attributesOf(request.method ?? '', path)
  const { verb, subresources } = attributes
  for (const subresource of subresources) {
    try {
      if (await authorize({ user, verb, node, subresource })) return { admitted: { user, attributes } }
    } catch (error) {
      log({
        level: 'error',
        event: 'authorization-failed',
        node,
        user: user.name,
        verb,
        subresource,
        error: messageOf(error),
      })
      return refuse(
        500,
        `Authorization error (user=${user.name}, verb=${verb}, resource=nodes, subresource=${subresource})`,
      )
    }
  }
  return refuse(
    403,
    `Forbidden (user=${user.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])\n`,
  )
}

function refuse(code: number, text: string): Admission {
  return { refused: { code, text } }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
