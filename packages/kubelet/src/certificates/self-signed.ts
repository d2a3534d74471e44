import type { ServingCertificate } from './certificate.ts'
import { generateKeyPair, privateKeyPem, signing } from './key-pair.ts'
import { alternativeNames, type ServingNames, subjectOf } from './names.ts'
import * as x509 from './x509.ts'

const yearMs = 365 * 24 * 3600_000
const clockSkewMs = 3600_000

/**
 * A certificate that vouches for itself. API servers accept it unless they run with --kubelet-certificate-authority;
 * `nodes/proxy` never does.
 */
export async function selfSignedCertificate(names: ServingNames): Promise<ServingCertificate> {
  const keys = await generateKeyPair()
  const notBefore = new Date(Date.now() - clockSkewMs)
  const notAfter = new Date(Date.now() + yearMs)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // A positive integer of at most 20 octets (RFC 5280, 4.1.2.2).
    serialNumber: `01${Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('hex')}`,
    name: subjectOf(names.nodeName),
    keys,
    signingAlgorithm: signing,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      alternativeNames(names.hosts),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await privateKeyPem(keys), notBefore, notAfter }
}
