import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { coreDns } from './coredns.ts'

describe('cluster DNS', () => {
  const manifests = coreDns({ image: 'coredns:1', address: '10.65.0.10', domain: 'example.local' })
  const find = (kind: string): Record<string, unknown> => {
    const found = manifests.find((m) => m.resource.kind === kind)
    assert.ok(found, `there is a ${kind}`)
    return found.object
  }

  it('is the Service kube-dns in kube-system, at the address that kubelets tell their pods', () => {
    const service = find('Service') as { metadata: object; spec: { clusterIP: string; selector: object } }
    assert.deepEqual(
      { ...service.metadata, labels: undefined, annotations: undefined },
      { name: 'kube-dns', namespace: 'kube-system', labels: undefined, annotations: undefined },
    )
    assert.equal(service.spec.clusterIP, '10.65.0.10')
  })

  it('runs pods that the Service selects', () => {
    const service = find('Service') as { spec: { selector: object } }
    const deployment = find('Deployment') as { spec: { template: { metadata: { labels: object } } } }
    assert.deepEqual(
      { ...deployment.spec.template.metadata.labels, ...service.spec.selector },
      deployment.spec.template.metadata.labels,
    )
  })

  it('answers for the cluster’s domain, and says of all other names that they do not exist', () => {
    const { data } = find('ConfigMap') as { data: { Corefile: string } }
    assert.match(data.Corefile, /^example\.local:53 in-addr\.arpa:53 ip6\.arpa:53 \{/)
    assert.match(data.Corefile, /\n\.:53 \{[^}]*template ANY ANY \{\s*rcode NXDOMAIN/)
  })
})
