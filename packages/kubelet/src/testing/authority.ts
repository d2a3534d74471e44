import { alternativeNames, generateKeyPair, privateKeyPem, signing, x509 } from '@kosmos/kube/certificates'

interface IssueOptions {
  readonly commonName?: string
  readonly organizations?: readonly string[]
  readonly hosts?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly usage?: x509.ExtendedKeyUsage
}

/** A certificate authority of a test's own. */
export interface TestAuthority {
  readonly pem: string
  /** A certificate of it with its key, PEM. */
  issue(options: IssueOptions): Promise<{ cert: string; key: string }>
}

const hourMs = 3600_000

export async function createTestAuthority(commonName: string): Promise<TestAuthority> {
  const keys = await generateKeyPair()
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: signing,
    notBefore: new Date(Date.now() - 48 * hourMs),
    notAfter: new Date(Date.now() + 48 * hourMs),
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  return {
    pem: root.toString('pem'),
    async issue({ commonName, organizations = [], hosts = [], usage, ...lifetime }) {
      const pair = await generateKeyPair()
      const certificate = await x509.X509CertificateGenerator.create({
        subject: [...organizations.map((o) => ({ O: [o] })), ...(commonName ? [{ CN: [commonName] }] : [])],
        issuer: root.subject,
        publicKey: pair.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: signing,
        notBefore: lifetime.notBefore ?? new Date(Date.now() - hourMs),
        notAfter: lifetime.notAfter ?? new Date(Date.now() + hourMs),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.ExtendedKeyUsageExtension([usage ?? x509.ExtendedKeyUsage.clientAuth]),
          ...(hosts.length > 0 ? [alternativeNames(hosts)] : []),
        ],
      })
      return { cert: certificate.toString('pem'), key: await privateKeyPem(pair) }
    },
  }
}
