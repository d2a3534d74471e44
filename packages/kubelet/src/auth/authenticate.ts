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
    const peer = ca && request.socket instanceof TLSSocket ? identifyPeer(request.socket, ca) : undefined
    const token = peer ? undefined : bearerTokenOf(request.headers.authorization)
    const user = token === undefined ? peer : await identifyToken(token)
    return user && inGroupOfKnown(user)
  }
}

const known = 'system:authenticated'

/** What everybody may who is known is granted to a group, which no certificate names: k8s.io/apiserver's AuthenticatedGroupAdder. */
function inGroupOfKnown(user: User): User {
  const said = user.groups.some((group) => group === known || group === 'system:unauthenticated')
  return said ? user : { ...user, groups: [...user.groups, known] }
}
