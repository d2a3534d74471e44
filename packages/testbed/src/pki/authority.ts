import { generateKeyPairSync } from 'node:crypto'
import {
  alternativeNames,
  clockSkewMs,
  generateKeyPair,
  type KeyPair,
  privateKeyPem,
  serialNumber,
  signing,
  x509,
} from '@kosmos/kube/certificates'

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

const tenYearsMs = 10 * 365 * 24 * 3600 * 1000

/** A new certificate authority with an ECDSA P-256 key, valid for ten years. */
export async function createAuthority(commonName: string): Promise<Authority> {
  const keys = await generateKeyPair()
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...lifetime(),
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return authorityOf(root, keys)
}

/** An authority that {@link createAuthority} made earlier, from its two PEM texts. */
export async function openAuthority({ certificate, key }: Credential): Promise<Authority> {
  const der = x509.PemConverter.decodeFirst(key)
  const privateKey = await crypto.subtle.importKey('pkcs8', der, signing, true, ['sign'])
  return authorityOf(new x509.X509Certificate(certificate), { privateKey })
}

async function authorityOf(root: x509.X509Certificate, keys: Pick<KeyPair, 'privateKey'>): Promise<Authority> {
  const authorityKey = await x509.AuthorityKeyIdentifierExtension.create(root.publicKey)
  return {
    certificate: pem(root),
    key: await keyPem(keys),
    issue: async ({ commonName, organizations = [], hosts = [], client = false }) => {
      const pair = await generateKeyPair()
      const usages = [
        ...(hosts.length > 0 ? [x509.ExtendedKeyUsage.serverAuth] : []),
        ...(client ? [x509.ExtendedKeyUsage.clientAuth] : []),
      ]
      const certificate = await x509.X509CertificateGenerator.create({
        ...lifetime(),
        subject: [...organizations.map((o) => ({ O: [o] })), { CN: [commonName] }],
        issuer: root.subject,
        publicKey: pair.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: signing,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension(usages),
          authorityKey,
          ...(hosts.length > 0 ? [alternativeNames(hosts)] : []),
        ],
      })
      return { certificate: pem(certificate), key: await keyPem(pair) }
    },
    sign: async (request, { commonName, ...validity }) => {
      const certificate = await x509.X509CertificateGenerator.create({
        ...lifetime(),
        ...validity,
        subject: [{ CN: [commonName] }],
        issuer: root.subject,
        publicKey: new x509.Pkcs10CertificateRequest(request).publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: signing,
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
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

function lifetime() {
  const now = Date.now()
  return {
    serialNumber: serialNumber(),
    notBefore: new Date(now - clockSkewMs),
    notAfter: new Date(now + tenYearsMs),
  }
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}

async function keyPem(keys: Pick<KeyPair, 'privateKey'>): Promise<string> {
  return `${await privateKeyPem(keys)}\n`
}
