import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { loadKubeConfig } from '../connection/kubeconfig.ts'
import { accountToken, kubeconfig, token } from '../testing/index.ts'
import { isRenewalDue, tokenClaims, tokenLife, withToken } from './token.ts'

describe('the token of a kubeconfig', () => {
  it('says whose it is, and from when until when', () => {
    assert.deepEqual(tokenClaims(kubeconfig({ user: { token: accountToken(1_000, 4_600) } })), {
      namespace: 'kosmos-system',
      serviceAccount: 'kosmos-root',
      issuedAt: 1_000_000,
      expiresAt: 4_600_000,
    })
  })

  it('is that of the user who logs in, not of the first in the file', () => {
    const others = [{ name: 'somebody', user: { token: accountToken(1, 2, 'default', 'somebody') } }]
    const claims = tokenClaims(kubeconfig({ user: { token: accountToken(1_000, 4_600) }, others }))
    assert.equal(claims?.serviceAccount, 'kosmos-root')
  })

  for (const [what, user] of Object.entries({
    'of certificates': { 'client-certificate-data': 'AA==', 'client-key-data': 'AA==' },
    'of a token that is no JWT': { token: 'abcdef.0123456789abcdef' },
    'of a token without an end': {
      token: token({ iat: 1, 'kubernetes.io': { namespace: 'n', serviceaccount: { name: 's' } } }),
    },
    'of a token of somebody else than a ServiceAccount': { token: token({ iat: 1, exp: 2, sub: 'jane' }) },
    'of a JWT that is no object': { token: `a.${Buffer.from('7').toString('base64url')}.c` },
  })) {
    it(`is not renewed in a kubeconfig ${what}`, () => {
      assert.equal(tokenClaims(kubeconfig({ user })), undefined)
    })
  }

  it('is renewed from half of its life on', () => {
    fc.assert(
      fc.property(
        fc.nat(1e9),
        fc.integer({ min: 600, max: 1e8 }),
        fc.double({ min: 0, max: 1.5, noNaN: true }),
        (iat, seconds, part) => {
          const life = { issuedAt: iat * 1000, expiresAt: (iat + seconds) * 1000 }
          assert.equal(isRenewalDue(life, life.issuedAt + part * seconds * 1000), part >= 0.5)
        },
      ),
    )
  })

  it('is replaced for the user who logs in, and nothing else changes', () => {
    const others = [{ name: 'somebody', user: { token: 'theirs' } }]
    const before = kubeconfig({ user: { token: 'old', 'client-key-data': 'AA==' }, others })
    const after = loadKubeConfig({ text: withToken(before, 'new') })
    assert.equal(after.getCurrentUser()?.token, 'new')
    assert.equal(after.getUser('somebody')?.token, 'theirs')
    assert.deepEqual(after.getCurrentCluster(), loadKubeConfig({ text: before }).getCurrentCluster())
  })
})

describe('the life of a token', () => {
  it('is what the token says', () => {
    assert.deepEqual(tokenLife(token({ iat: 1, exp: 3 })), { issuedAt: 1_000, expiresAt: 3_000 })
  })

  it('is unknown when it says nothing, or is no JWT', () => {
    for (const other of ['', 'opaque', 'a.b.c', token({ exp: 3 }), token({ iat: 1 })])
      assert.equal(tokenLife(other), undefined)
  })
})
