import type { ServingCertificate } from './certificate.ts'
import { generateKeyPair, privateKeyPem, signing } from './key-pair.ts'
import { alternativeNames } from './names.ts'
import { serialNumber } from './serial-number.ts'
import * as x509 from './x509.ts'

export interface SelfSignedOptions {
  readonly subject: x509.JsonName
  /** Addresses and DNS names. */
  readonly hosts: readonly string[]
  readonly lifetimeMs: number
}

/** So long before it is made a certificate is valid: clocks may differ. */
export const clockSkewMs = 3600_000

/** A certificate that vouches for itself: who is to believe it has to be given this very one. */
export async function selfSignedCertificate({
  subject,
  hosts,
  lifetimeMs,
}: SelfSignedOptions): Promise<ServingCertificate> {
  const keys = await generateKeyPair()
  const notBefore = new Date(Date.now() - clockSkewMs)
  const notAfter = new Date(Date.now() + lifetimeMs)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: subject,
    keys,
    signingAlgorithm: signing,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      alternativeNames(hosts),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await privateKeyPem(keys), notBefore, notAfter }
}
