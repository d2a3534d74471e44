import { isIP } from 'node:net'
import { x509 } from '@kosmos/kube/certificates'

/** What a serving certificate of a node has to say, and nothing else. */
export interface ServingNames {
  readonly nodeName: string
  /** Addresses and DNS names under which API servers reach the node; at least one. */
  readonly hosts: readonly string[]
}

/** subjectAltName (RFC 5280, 4.2.1.6). */
const sanOid = '2.5.29.17'

/** Subject that the signer `kubernetes.io/kubelet-serving` demands. */
export function subjectOf(nodeName: string): x509.JsonName {
  return [{ O: ['system:nodes'] }, { CN: [`system:node:${nodeName}`] }]
}

/**
 * What in a request is not as it should be before it may be approved; empty if nothing. The signer looks at the form
 * only and NodeRestriction at the common name, so this is the only check of the addresses. Pure.
 */
export function objections(request: x509.Pkcs10CertificateRequest, wanted: ServingNames): string[] {
  const found: string[] = []
  const subject = new x509.Name(subjectOf(wanted.nodeName)).toString()
  if (request.subject !== subject) found.push(`its subject is ${request.subject}, not ${subject}`)
  found.push(...nameObjections(request.getExtension(sanOid), wanted.hosts))
  return found
}

/** The same for an issued certificate. Pure. */
export function certificateObjections(certificate: x509.X509Certificate, wanted: ServingNames): string[] {
  return nameObjections(certificate.getExtension(sanOid), wanted.hosts)
}

function nameObjections(extension: x509.Extension | null, hosts: readonly string[]): string[] {
  const names = extension instanceof x509.SubjectAlternativeNameExtension ? extension.names.items : []
  const named = names.map(({ type, value }) => `${type}:${canonical(type, value)}`)
  const wanted = hosts.map((host) => (isIP(host) ? `ip:${canonical('ip', host)}` : `dns:${canonical('dns', host)}`))
  return [
    ...named.filter((name) => !wanted.includes(name)).map((name) => `it names ${name}, which is not this node's`),
    ...wanted.filter((name) => !named.includes(name)).map((name) => `it does not name ${name}`),
  ]
}

function canonical(type: string, value: string): string {
  // URL is what writes an IPv6 address in one form only (RFC 5952).
  if (type === 'ip' && value.includes(':')) return new URL(`http://[${value}]`).hostname
  return value.toLowerCase()
}
