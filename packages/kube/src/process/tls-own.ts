import { hostname } from 'node:os'
import { selfSignedCertificate } from '../certificates/self-signed.ts'
import type { Shown } from './tls-files.ts'

/** Longer than a process runs: a new one is made at each start, and nobody is given it to trust. */
const lifetimeMs = 10 * 365 * 24 * 3600_000

/** A certificate that keeps others from reading along, for callers that do not verify whom they ask. */
export async function ownCertificate(address: string): Promise<Shown> {
  const isWildcard = address === '0.0.0.0' || address === '::'
  const hosts = [...(isWildcard ? [] : [address]), hostname(), 'localhost']
  const { certificate, key } = await selfSignedCertificate({ subject: [{ CN: [hostname()] }], hosts, lifetimeMs })
  return { cert: certificate, key }
}
