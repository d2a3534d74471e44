import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rootPod } from '../fixture.ts'
import { deliveriesTo } from './deliveries.ts'

describe('what is made in a leaf for one pod alone', () => {
  const podCertificate = { signerName: 'example.com/pods', keyType: 'ED25519', credentialBundlePath: 'a' }
  const sources = [
    { serviceAccountToken: { path: 'token' } },
    { clusterTrustBundle: { name: 'a', path: 'a.pem' } },
    { clusterTrustBundle: { name: 'b', path: 'b.pem' } },
    { podCertificate },
    { podCertificate: { ...podCertificate, credentialBundlePath: 'b' } },
  ]
  const volumes = [{ name: 'identity', projected: { sources } }]
  const kinds = (annotations: Record<string, string> = {}, hasApiAccess = true) =>
    deliveriesTo(rootPod({ metadata: { annotations }, spec: { volumes } }), hasApiAccess).map(({ kind }) => kind)

  it('is one Secret of tokens, one ConfigMap of bundles, and a Secret for each certificate', () => {
    assert.deepEqual(kinds(), ['Tokens', 'TrustBundles', 'Certificate', 'Certificate'])
    assert.deepEqual(deliveriesTo(rootPod(), true), [])
  })

  it('is no Secret of tokens where the pod does not reach the root’s API server', () => {
    assert.deepEqual(kinds({}, false), ['TrustBundles', 'Certificate', 'Certificate'])
  })

  it('is nothing where the leaf’s own kubelet gives it the leaf’s', () => {
    assert.deepEqual(kinds({ 'kosmos.io/api-server': 'leaf' }), [])
  })
})
