import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { accountToken, kubeconfig, token } from '@kosmos/kube/testing'
import { createAuthority } from '@kosmos/testbed'
import { credentialsExpiry } from './expiry.ts'

const base64 = (pem: string) => Buffer.from(pem).toString('base64')

describe('when a login ends', () => {
  it('is in its token, whoever issued it', () => {
    assert.equal(credentialsExpiry(kubeconfig({ user: { token: accountToken(1_000, 4_600) } })), 4_600_000)
    assert.equal(credentialsExpiry(kubeconfig({ user: { token: token({ iat: 1, exp: 2, sub: 'jane' }) } })), 2_000)
  })

  it('is in its client certificate', async () => {
    const authority = await createAuthority('ca')
    const { certificate, key } = await authority.issue({ commonName: 'jane', client: true })
    const user = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) }
    assert.equal(credentialsExpiry(kubeconfig({ user })), new X509Certificate(certificate).validToDate.getTime())
  })

  it('is not known of other logins', () => {
    for (const user of [{ token: 'opaque' }, { username: 'u', password: 'p' }, { 'client-certificate-data': 'AA==' }]) {
      assert.equal(credentialsExpiry(kubeconfig({ user })), undefined)
    }
  })
})
