import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Service } from '@kosmos/kube'
import { isCopied, serviceCopy } from './copy.ts'

const metadata = { name: 'web', namespace: 'shop', uid: 'u-1', resourceVersion: '7', labels: { app: 'web' } }
const specOf = (spec: Service['spec']) =>
  (serviceCopy({ metadata, spec } as Service, 'root-1') as { spec?: Service['spec'] }).spec

describe('the Service of a leaf for one of the root', () => {
  it('has its ports, and our copies alone for endpoints', () => {
    assert.deepEqual(
      specOf({
        type: 'ClusterIP',
        clusterIP: '10.96.0.7',
        clusterIPs: ['10.96.0.7'],
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP', appProtocol: 'http' }],
        selector: { app: 'web' },
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
        trafficDistribution: 'PreferSameZone',
        internalTrafficPolicy: 'Local',
      }),
      {
        type: 'ClusterIP',
        ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP', appProtocol: 'http' }],
        selector: { app: 'web', 'kosmos.io/root-cluster': 'root-1' },
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
        trafficDistribution: 'PreferSameZone',
      },
    )
  })

  it('has no address of its own if the root’s has none, and tells of pods that are not ready if the root’s does', () => {
    const spec = specOf({ clusterIP: 'None', selector: { app: 'db' }, publishNotReadyAddresses: true })
    assert.equal(spec?.clusterIP, 'None')
    assert.equal(spec?.publishNotReadyAddresses, true)
  })

  it('is no way into the leaf from outside, whatever the root’s is', () => {
    const ports = [{ port: 80, nodePort: 30_080 }]
    const outside = { loadBalancerIP: '192.0.2.1', externalIPs: ['192.0.2.2'], externalTrafficPolicy: 'Local' }
    for (const type of ['NodePort', 'LoadBalancer']) {
      assert.deepEqual(specOf({ type, ports, ...outside, selector: { a: 'b' } }), {
        type: 'ClusterIP',
        ports: [{ port: 80 }],
        selector: { a: 'b', 'kosmos.io/root-cluster': 'root-1' },
      })
    }
  })

  it('is another name where the root’s is', () => {
    assert.deepEqual(specOf({ type: 'ExternalName', externalName: 'db.example.org' }), {
      type: 'ExternalName',
      externalName: 'db.example.org',
    })
  })

  it('selects nothing where the root’s selects nothing, instead of all our pods', () => {
    assert.equal(specOf({ ports: [{ port: 80 }] })?.selector, undefined)
    assert.equal(specOf({ ports: [{ port: 80 }], selector: {} })?.selector, undefined)
  })

  it('asks for two families where the leaf has them', () => {
    assert.equal(specOf({ ipFamilyPolicy: 'RequireDualStack' })?.ipFamilyPolicy, 'PreferDualStack')
  })

  it('says whose copy it is', () => {
    assert.deepEqual(serviceCopy({ metadata, spec: {} } as Service, 'root-1').metadata, {
      name: 'web',
      namespace: 'shop',
      labels: { app: 'web', 'kosmos.io/root-cluster': 'root-1' },
      annotations: {
        'kosmos.io/global': 'true',
        'kosmos.io/root-uid': 'u-1',
        'kosmos.io/root-resource-version': '7',
      },
    })
  })

  it('is never one that each cluster has for itself', () => {
    assert.ok(!isCopied({ metadata: { namespace: 'kube-system', name: 'kube-dns' } }))
    assert.ok(!isCopied({ metadata: { namespace: 'default', name: 'kubernetes' } }))
    assert.ok(isCopied({ metadata: { namespace: 'shop', name: 'kubernetes' } }))
    assert.ok(isCopied({ metadata: { namespace: 'default', name: 'web' } }))
    const labels = { 'kosmos.io/imported-by': 'root-1' }
    assert.ok(!isCopied({ metadata: { namespace: 'shop', name: 'clusterset-web', labels } }))
  })
})
