import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

/** A certificate with its private key, both PEM (the key PKCS #8). */
export interface Credential {
  readonly certificate: string
  readonly key: string
}

export interface Authority extends Credential {
  /** Signs a certificate for serving TLS under the given DNS names and IP addresses, for being a client, or both. */
  issue(request: IssueRequest): Promise<Credential>
  /** Signs a certificate for the key of a PKCS #10 request (base64), as a signer of a cluster does; nothing else of it counts. */
  sign(request: string, names: SignRequest): Promise<string>
}

interface SignRequest {
  readonly commonName: string
  readonly notBefore: Date
  readonly notAfter: Date
}

interface IssueRequest {
  readonly commonName: string
  /** Kubernetes groups. */
  readonly organizations?: readonly string[]
  /** DNS names and IP addresses of a server; none means the certificate cannot serve. */
  readonly hosts?: readonly string[]
  readonly client?: boolean
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const tenYearsMs = 10 * 365 * 24 * 3600 * 1000
const clockSkewMs = 3600 * 1000

/** A new certificate authority with an ECDSA P-256 key, valid for ten years. */
export async function createAuthority(commonName: string): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...lifetime(),
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return authorityOf(root, keys.privateKey)
}

/** An authority that {@link createAuthority} made earlier, from its two PEM texts. */
export async function openAuthority({ certificate, key }: Credential): Promise<Authority> {
  const der = x509.PemConverter.decodeFirst(key)
  return authorityOf(
    new x509.X509Certificate(certificate),
    await crypto.subtle.importKey('pkcs8', der, algorithm, true, ['sign']),
  )
}

async function authorityOf(root: x509.X509Certificate, privateKey: CryptoKey): Promise<Authority> {
  const authorityKey = await x509.AuthorityKeyIdentifierExtension.create(root.publicKey)
  return {
    certificate: pem(root),
    key: await privateKeyPem(privateKey),
    issue: async ({ commonName, organizations = [], hosts = [], client = false }) => {
      const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
      const usages = [
        ...(hosts.length > 0 ? [x509.ExtendedKeyUsage.serverAuth] : []),
        ...(client ? [x509.ExtendedKeyUsage.clientAuth] : []),
      ]
      const certificate = await x509.X509CertificateGenerator.create({
        ...lifetime(),
        subject: [...organizations.map((o) => ({ O: [o] })), { CN: [commonName] }],
        issuer: root.subject,
        publicKey: pair.publicKey,
        signingKey: privateKey,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension(usages),
          authorityKey,
          ...(hosts.length > 0 ? [new x509.SubjectAlternativeNameExtension(hosts.map(generalName))] : []),
        ],
      })
      return { certificate: pem(certificate), key: await privateKeyPem(pair.privateKey) }
    },
    sign: async (request, { commonName, ...validity }) => {
      const certificate = await x509.X509CertificateGenerator.create({
        ...lifetime(),
        ...validity,
        subject: [{ CN: [commonName] }],
        issuer: root.subject,
        publicKey: new x509.Pkcs10CertificateRequest(request).publicKey,
        signingKey: privateKey,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth, x509.ExtendedKeyUsage.serverAuth]),
          authorityKey,
        ],
      })
      return pem(certificate)
    },
  }
}

/** Key pair that signs service-account tokens; PEM. */
export function createSigningKeys(): { publicKey: string; privateKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki: KeyObject = publicKey
  return {
    publicKey: String(spki.export({ type: 'spki', format: 'pem' })),
    privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  }
}

function lifetime(): { serialNumber: string; notBefore: Date; notAfter: Date } {
  const now = Date.now()
  return {
    // A positive integer of at most 20 octets (RFC 5280, 4.1.2.2).
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    notBefore: new Date(now - clockSkewMs),
    notAfter: new Date(now + tenYearsMs),
  }
}

function generalName(host: string): x509.JsonGeneralName {
  return { type: /^[\d.]+$|:/.test(host) ? 'ip' : 'dns', value: host }
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}

async function privateKeyPem(key: CryptoKey): Promise<string> {
  return `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}
