import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { renewalTime } from '@kosmos/kube/certificates'
import type { ServedCertificate } from './server.ts'

/** What the Secret has, PEM. A certificate is known to API servers before it is shown, and still after that. */
export interface Credentials {
  readonly current: ServedCertificate
  readonly next?: ServedCertificate
  /** The certificate that was shown before: a replica may show it still. */
  readonly former?: string
}

export interface CredentialsView {
  readonly stored: Credentials | undefined
  readonly hosts: readonly string[]
  readonly now: number
  /** PEM: what API servers are told to trust. */
  readonly trusted: string
  /** For how long that has been seen to be so. */
  readonly trustedForMs: number
  /** So long after it was written every API server that still answers has been told of it. */
  readonly knownAfterMs: number
}

export type CredentialsStep =
  /** There is none that could be shown: a new one is needed at once. */
  | 'make'
  /** It is time for the next one. */
  | 'prepare'
  /** Every API server trusts the next one. */
  | 'promote'
  | undefined

/** Pure. */
export function nextStep({
  stored,
  hosts,
  now,
  trusted,
  trustedForMs,
  knownAfterMs,
}: CredentialsView): CredentialsStep {
  const current = stored && read(stored.current.cert)
  if (current === undefined || current.validToDate.getTime() <= now || !names(current, hosts)) return 'make'
  const next = stored?.next && read(stored.next.cert)
  if (next && stored?.next) {
    return trustedForMs >= knownAfterMs && trusted.includes(stored.next.cert.trim()) ? 'promote' : undefined
  }
  const lifetime = { notBefore: current.validFromDate, notAfter: current.validToDate }
  return now >= renewalTime(lifetime, 0).getTime() ? 'prepare' : undefined
}

/** What API servers are to trust. */
export const bundleOf = ({ current, next, former }: Credentials): string =>
  [current.cert, next?.cert, former]
    .filter((cert) => cert !== undefined)
    .map((cert) => `${cert.trim()}\n`)
    .join('')

const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString('utf8')
const encode = (text: string): string => Buffer.from(text).toString('base64')

/** Of the `data` of a Secret; undefined: it has none that could be shown. */
export function readSecret(data: Readonly<Record<string, string>> = {}): Credentials | undefined {
  const pair = (name: string): ServedCertificate | undefined => {
    const [cert, key] = [decode(data[`${name}.crt`]), decode(data[`${name}.key`])]
    return cert && key ? { cert, key } : undefined
  }
  const [current, next, former] = [pair('tls'), pair('next'), decode(data['former.crt'])]
  return current && { current, ...(next && { next }), ...(former && { former }) }
}

export function writeSecret({ current, next, former }: Credentials): Record<string, string> {
  return {
    'tls.crt': encode(current.cert),
    'tls.key': encode(current.key),
    ...(next && { 'next.crt': encode(next.cert), 'next.key': encode(next.key) }),
    ...(former && { 'former.crt': encode(former) }),
  }
}

function read(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

const names = (certificate: X509Certificate, hosts: readonly string[]): boolean =>
  hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined)
