import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { leafPod, rootPod } from '../pods/fixture.ts'
import { isTokenSecret, renewalTime, tokenSecret } from './secret.ts'

const life = fc
  .record({ issuedAt: fc.nat(1e12), seconds: fc.integer({ min: 1, max: 1e6 }) })
  .map(({ issuedAt, seconds }) => ({ issuedAt, expiresAt: issuedAt + seconds * 1000 }))

describe('tokens of a pod', () => {
  it('are renewed before the first of them ends, and not before any of them was made', () => {
    fc.assert(
      fc.property(fc.array(life, { minLength: 1 }), (lives) => {
        const at = renewalTime(lives)
        assert.ok(lives.every(({ issuedAt, expiresAt }) => at <= issuedAt + (expiresAt - issuedAt) * 0.8))
        assert.ok(lives.some(({ issuedAt }) => at >= issuedAt))
      }),
    )
  })

  it('are renewed at 80 % of an hour, and ten minutes before the end of ten minutes never', () => {
    const hour = 3_600_000
    assert.equal(renewalTime([{ issuedAt: 0, expiresAt: hour }]), 0.8 * hour)
    assert.equal(renewalTime([{ issuedAt: 0, expiresAt: 120_000 }]), 60_000)
  })

  it('are in a Secret that goes with the pod in the leaf and says what it is', () => {
    const root = rootPod({ spec: { serviceAccountName: 'builder' } })
    const secret = tokenSecret({
      root,
      copy: leafPod(root),
      rootClusterId: 'root-1',
      tokens: [{ key: 'token-1', token: 'abc', issuedAt: 0, expiresAt: 3_600_000 }],
      authority: 'PEM',
    })
    assert.deepEqual(secret, {
      metadata: {
        name: 'kosmos-tokens-root-uid',
        namespace: 'shop',
        labels: { 'kosmos.io/root-cluster': 'root-1' },
        annotations: {
          'kosmos.io/global': 'true',
          'kosmos.io/root-uid': 'root-uid',
          'kosmos.io/service-account.name': 'builder',
          'kosmos.io/token-renewal': '1970-01-01T00:48:00.000Z',
        },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'leaf-uid' }],
      },
      type: 'Opaque',
      data: { 'token-1': 'YWJj', 'ca.crt': 'UEVN' },
    })
    assert.ok(isTokenSecret(secret))
  })
})
