import { type KeyPair, privateKeyPem, x509 } from '@kosmos/kube/certificates'

/** A key pair that a kubelet has made for a pod. */
export interface PodKey {
  /** PEM, PKCS #8. */
  readonly privateKey: string
  /** Base64 of a PKCS #10 request that says nothing but that who asks has the key. */
  readonly request: string
}

const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
})

/** What `keyType` of a projected podCertificate may be (k8s.io/api/core/v1, PodCertificateProjection). */
const algorithms = {
  RSA3072: rsa(3072),
  RSA4096: rsa(4096),
  ECDSAP256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ECDSAP384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  ECDSAP521: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  ED25519: { name: 'Ed25519' },
} as const

/** As generateKeyAndProof of k8s.io/kubernetes pkg/kubelet/podcertificate. @throws TypeError for a type of key that it does not know */
export async function generatePodKey(keyType: string): Promise<PodKey> {
  const algorithm = Object.hasOwn(algorithms, keyType) ? algorithms[keyType as keyof typeof algorithms] : undefined
  if (!algorithm) throw new TypeError(`no keys of type ${keyType} are made, only ${Object.keys(algorithms).join(', ')}`)
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as KeyPair
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm })
  return { privateKey: `${await privateKeyPem(keys)}\n`, request: request.toString('base64') }
}
