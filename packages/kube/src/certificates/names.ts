import { isIP } from 'node:net'
import * as x509 from './x509.ts'

/** The extension that names addresses and DNS names. */
export function alternativeNames(hosts: readonly string[]): x509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension(
    hosts.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
  )
}
