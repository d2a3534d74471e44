import { createHash } from 'node:crypto'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type { User } from '@kosmos/kube/auth'
import type { ClientCA } from './client-ca.ts'

interface Verified {
  readonly ca: ClientCA
  readonly validUntil: number
  readonly user: User | undefined
}

/** Tells who holds the other end of a TLS connection by its client certificate. */
export type IdentifyPeer = (socket: TLSSocket, ca: ClientCA) => User | undefined

/**
 * OpenSSL verified the certificate when the connection was made. What may have changed since is looked at with each
 * request, as Go's servers do: whether it has expired, and whether its authority still is one of ours.
 */
export function createIdentifyPeer(now: () => number = Date.now): IdentifyPeer {
  const verified = new WeakMap<TLSSocket, Verified>()
  return (socket, ca) => {
    let known = verified.get(socket)
    if (known?.ca !== ca) {
      known = { ca, ...verify(socket, ca) }
      verified.set(socket, known)
    }
    return now() < known.validUntil ? known.user : undefined
  }
}

function verify(socket: TLSSocket, ca: ClientCA): Omit<Verified, 'ca'> {
  const peer = socket.authorized ? socket.getPeerCertificate(true) : undefined
  if (!peer?.raw || !isIssuedBelow(peer, ca)) return { validUntil: Number.POSITIVE_INFINITY, user: undefined }
  return { validUntil: Date.parse(peer.valid_to), user: userOf(peer) }
}

function isIssuedBelow(peer: DetailedPeerCertificate, ca: ClientCA): boolean {
  const seen = new Set<string>()
  for (let next: DetailedPeerCertificate | undefined = peer.issuerCertificate; next?.fingerprint256; ) {
    if (ca.fingerprints.has(next.fingerprint256)) return true
    if (seen.has(next.fingerprint256)) return false
    seen.add(next.fingerprint256)
    next = next.issuerCertificate
  }
  return false
}

/** Common name → user, organizations → groups, as k8s.io/apiserver's CommonNameUserConversion. Pure. */
function userOf(certificate: { subject: unknown; raw: Buffer }): User | undefined {
  const subject = certificate.subject as Readonly<Record<string, string | readonly string[] | undefined>>
  const values = (key: string) => [subject[key] ?? []].flat()
  const name = values('CN').at(-1)
  if (!name) return undefined
  const fingerprint = createHash('sha256').update(certificate.raw).digest('hex')
  return {
    name,
    groups: values('O'),
    extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
  }
}
