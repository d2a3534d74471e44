import type { CertificateSigningRequest } from '@kosmos/kube'
import { alternativeNames, type KeyPair, signing, x509 } from '@kosmos/kube/certificates'
import { objections, type ServingNames, subjectOf } from './names.ts'

export const kubeletServingSigner = 'kubernetes.io/kubelet-serving'

/** Usages that the signer takes with an ECDSA key. */
const usages = ['digital signature', 'server auth']

/** The manifest of a request for a serving certificate that the signer accepts. */
export async function signingRequest(names: ServingNames, keys: KeyPair, expirationSeconds?: number) {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: subjectOf(names.nodeName),
    keys,
    signingAlgorithm: signing,
    extensions: [alternativeNames(names.hosts)],
  })
  return {
    metadata: { generateName: `kosmos-${names.nodeName}-` },
    spec: {
      request: Buffer.from(request.toString('pem')).toString('base64'),
      signerName: kubeletServingSigner,
      usages,
      ...(expirationSeconds !== undefined && { expirationSeconds }),
    },
  }
}

/** Why a stored request must not be approved: it is not what was asked for with these keys. Empty if nothing. */
export async function approvalObjections(
  stored: CertificateSigningRequest,
  names: ServingNames,
  keys: KeyPair,
): Promise<string[]> {
  const { request, signerName, usages: stated = [] } = stored.spec
  const found = signerName === kubeletServingSigner ? [] : [`its signer is ${signerName}`]
  if (stated.length !== usages.length || !usages.every((usage) => stated.includes(usage))) {
    found.push(`its usages are ${stated.join(', ')}`)
  }
  let parsed: x509.Pkcs10CertificateRequest
  try {
    parsed = new x509.Pkcs10CertificateRequest(Buffer.from(request, 'base64').toString('utf8'))
  } catch {
    return [...found, 'it is not a PKCS #10 request']
  }
  const ours = Buffer.from(await crypto.subtle.exportKey('spki', keys.publicKey))
  if (!ours.equals(Buffer.from(parsed.publicKey.rawData))) found.push('its key is not ours')
  return [...found, ...objections(parsed, names)]
}
