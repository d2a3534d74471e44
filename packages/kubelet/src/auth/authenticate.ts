import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { bearerTokenOf, type IdentifyToken, type User } from '@kosmos/kube/auth'
import type { ClientCA } from './client-ca.ts'
import type { IdentifyPeer } from './client-certificate.ts'

/** Who sends this request; undefined for nobody known. There are no anonymous users. */
export type Authenticate = (request: IncomingMessage, ca: ClientCA | undefined) => Promise<User | undefined>

/** A client certificate counts before a token, as in the kubelet; a certificate that is not ours does not spoil a token. */
export function createAuthenticate(identifyPeer: IdentifyPeer, identifyToken: IdentifyToken): Authenticate {
  return async (request, ca) => {
    const user = ca && request.socket instanceof TLSSocket ? identifyPeer(request.socket, ca) : undefined
    if (user) return user
    const token = bearerTokenOf(request.headers.authorization)
    return token === undefined ? undefined : await identifyToken(token)
  }
}
