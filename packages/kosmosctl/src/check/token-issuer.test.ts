import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { issuerVerdict } from './token-issuer.ts'

describe('the issuer of tokens that pods in a leaf have', () => {
  const origin = 'https://root.example:6443'

  it('is warned of where its name means the leaf there, with what to give the API server', () => {
    for (const host of [
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
    ]) {
      const verdict = issuerVerdict(origin, `https://${host}`)
      assert.equal(verdict.status, 'warning', host)
      assert.match('fix' in verdict ? verdict.fix : '', /--service-account-issuer=https:\/\/root\.example:6443 and/)
    }
  })

  it('is fine by any other name', () => {
    for (const issuer of [origin, 'https://kubernetes.example.org', 'https://oidc.eks.eu-west-1.amazonaws.com/id/1'])
      assert.equal(issuerVerdict(origin, issuer).status, 'ok', issuer)
  })

  it('is nothing to say where pods get no tokens, or the root does not tell', () => {
    for (const [address, issuer] of [
      [undefined, origin],
      [origin, undefined],
      [origin, 'root'],
    ] as const)
      assert.equal(issuerVerdict(address, issuer).status, 'skipped')
  })
})
