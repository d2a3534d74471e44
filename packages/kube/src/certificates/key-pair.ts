import * as x509 from './x509.ts'

/** ECDSA P-256, which every client of a kubelet understands. */
export const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>

export async function generateKeyPair() {
  return await crypto.subtle.generateKey(signing, true, ['sign', 'verify'])
}

/** PKCS #8 PEM. */
export async function privateKeyPem(keys: Pick<KeyPair, 'privateKey'>): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
}
