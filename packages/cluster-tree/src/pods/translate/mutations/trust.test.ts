import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PodSpec } from '@kosmos/kube'
import { certificateId } from '../../../certificates/wishes.ts'
import { bundleKey } from '../../../trust/wishes.ts'
import { ctx, rootPod } from '../../fixture.ts'
import { translate } from '../translate.ts'

const serving = { ...ctx, leafApi: true, trustBundles: true, podCertificates: true }

const mounting = (
  sources: object[],
  context = serving,
  annotations: Record<string, string> = {},
  spec: Partial<PodSpec> = {},
) => {
  const volumes = [{ name: 'trust', projected: { sources, defaultMode: 0o444 } }]
  const { pod, problems } = translate(rootPod({ metadata: { annotations }, spec: { volumes, ...spec } }), context)
  return { projected: pod.spec.volumes?.[0]?.projected, reasons: problems.map(({ reason }) => reason) }
}

const certificate = {
  podCertificate: { signerName: 'example.com/pods', keyType: 'ED25519', credentialBundlePath: 'bundle.pem' },
}
const named = { name: 'roots', path: 'roots.pem' }
const bundle = { clusterTrustBundle: named }
const optional = { clusterTrustBundle: { ...named, optional: true } }

describe('a pod that mounts bundles of trust', () => {
  it('gets those of the root, from a ConfigMap of its own, beside what else is in the volume', () => {
    const own = { configMap: { name: 'settings' } }
    const bySigner = { clusterTrustBundle: { signerName: 'example.com/ca', labelSelector: {}, path: 'ca.pem' } }
    const { projected, reasons } = mounting([own, bundle, bySigner])
    const from = (key: string, path: string) => ({
      configMap: { name: 'kosmos-trust-root-uid', items: [{ key, path }] },
    })
    assert.deepEqual(projected, {
      sources: [
        own,
        from(bundleKey(bundle.clusterTrustBundle), 'roots.pem'),
        from(bundleKey(bySigner.clusterTrustBundle), 'ca.pem'),
      ],
      defaultMode: 0o444,
    })
    assert.deepEqual(reasons, [])
  })

  it('is not made where the root has none to give, unless it can do without: the leaf would give its own', () => {
    assert.deepEqual(mounting([bundle], { ...serving, trustBundles: false }).reasons, ['TrustBundleNotCarried'])
    const { projected, reasons } = mounting([optional], { ...serving, trustBundles: false })
    assert.deepEqual([projected?.sources, reasons], [[], []])
  })
})

describe('a pod that mounts certificates', () => {
  const inSecret = (source: object, ...items: object[]) => {
    const id = certificateId('trust', source as Parameters<typeof certificateId>[1])
    return { secret: { name: `kosmos-certificate-root-uid-${id}`, items } }
  }

  it('gets those that signers of the root issued, from a Secret of its own for each', () => {
    const apart = {
      podCertificate: {
        ...certificate.podCertificate,
        credentialBundlePath: '',
        keyPath: 'k',
        certificateChainPath: 'c',
      },
    }
    const { projected, reasons } = mounting([certificate, apart])
    assert.deepEqual(projected?.sources, [
      inSecret(certificate.podCertificate, { key: 'credentials.pem', path: 'bundle.pem' }),
      inSecret(apart.podCertificate, { key: 'key.pem', path: 'k' }, { key: 'chain.pem', path: 'c' }),
    ])
    assert.deepEqual(reasons, [])
  })

  it('has files of the users that it says, as have bundles of trust', () => {
    const [own, roots] =
      mounting([
        { podCertificate: { ...certificate.podCertificate, user: 7 } },
        { clusterTrustBundle: { ...named, user: 8 } },
      ]).projected?.sources ?? []
    assert.deepEqual(own?.secret?.items, [{ key: 'credentials.pem', path: 'bundle.pem', user: 7 }])
    assert.deepEqual(roots?.configMap?.items, [{ key: bundleKey(named), path: 'roots.pem', user: 8 }])
  })

  it('has its keys for the group of the pod alone, if that has one', () => {
    const { projected } = mounting([certificate], serving, {}, { securityContext: { fsGroup: 2000 } })
    assert.deepEqual(projected?.sources, [
      inSecret(certificate.podCertificate, { key: 'credentials.pem', path: 'bundle.pem', mode: 0o600 }),
    ])
  })

  it('is not made where the root has no such API: it would be that of an account of the leaf', () => {
    const { reasons } = mounting([certificate], { ...serving, podCertificates: false })
    assert.deepEqual(reasons, ['PodCertificateNotCarried'])
  })
})

describe('a pod that asks for the API server of its leaf', () => {
  it('is given the leaf’s trust and certificates as well', () => {
    const { projected, reasons } = mounting([certificate, bundle], serving, { 'kosmos.io/api-server': 'leaf' })
    assert.deepEqual([projected?.sources, reasons], [[certificate, bundle], []])
  })
})
