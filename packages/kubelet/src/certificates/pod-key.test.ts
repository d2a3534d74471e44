import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { describe, it } from 'node:test'
import { x509 } from '@kosmos/kube/certificates'
import { generatePodKey } from './pod-key.ts'

describe('the key that is made for a pod', () => {
  const detailsOf: Readonly<Record<string, object>> = {
    RSA3072: { modulusLength: 3072, publicExponent: 65537n },
    ECDSAP256: { namedCurve: 'prime256v1' },
    ECDSAP384: { namedCurve: 'secp384r1' },
    ECDSAP521: { namedCurve: 'secp521r1' },
    ED25519: {},
  }
  for (const [keyType, details] of Object.entries(detailsOf)) {
    it(`is of the type that it asks for (${keyType}), and the request proves that we have it`, async () => {
      const { privateKey, request } = await generatePodKey(keyType)
      assert.deepEqual({ ...createPrivateKey(privateKey).asymmetricKeyDetails }, details)
      const parsed = new x509.Pkcs10CertificateRequest(request)
      assert.ok(await parsed.verify())
      assert.deepEqual([parsed.subject, parsed.extensions.length], ['', 0])
    })
  }

  it('is of no type that nobody knows', async () => {
    await assert.rejects(generatePodKey('toString'), /no keys of type toString are made, only RSA3072/)
  })
})
