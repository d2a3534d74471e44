import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ctx, rootPod } from '../fixture.ts'
import { translate } from '../translate.ts'

const projecting = (source: object, annotations: Record<string, string> = {}) =>
  translate(
    rootPod({ metadata: { annotations }, spec: { volumes: [{ name: 'trust', projected: { sources: [source] } }] } }),
    {
      ...ctx,
      leafApi: true,
    },
  ).problems.map(({ reason }) => reason)

const certificate = { podCertificate: { signerName: 'example.com/pods', keyType: 'ED25519' } }
const bundle = { clusterTrustBundle: { name: 'roots', path: 'roots.pem' } }

describe('a pod that would get the identity or the trust of its leaf', () => {
  it('is not made: a certificate would be that of an account of the leaf, a bundle the leaf’s', () => {
    assert.deepEqual(projecting(certificate), ['PodCertificateNotCarried'])
    assert.deepEqual(projecting(bundle), ['TrustBundleNotCarried'])
    assert.deepEqual(projecting({ configMap: { name: 'roots' } }), [])
  })

  it('is made when that is what it asks for', () => {
    const leaf = { 'kosmos.io/api-server': 'leaf' }
    assert.deepEqual([...projecting(certificate, leaf), ...projecting(bundle, leaf)], [])
  })

  it('is made without a bundle that it can do without', () => {
    const { pod, problems } = translate(
      rootPod({
        spec: {
          volumes: [
            {
              name: 'trust',
              projected: { sources: [{ clusterTrustBundle: { name: 'roots', path: 'a', optional: true } }] },
            },
          ],
        },
      }),
      ctx,
    )
    assert.deepEqual([problems, pod.spec.volumes?.[0]?.projected?.sources], [[], []])
  })
})
