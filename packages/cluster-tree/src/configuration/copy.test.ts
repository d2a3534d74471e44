import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConfigMap, Secret } from '@kosmos/kube'
import { copyOf } from './copy.ts'

const metadata = {
  name: 'settings',
  namespace: 'shop',
  uid: 'root-uid',
  resourceVersion: '10',
  creationTimestamp: '2026-01-01T00:00:00Z',
  generation: 3,
  labels: { app: 'web' },
  annotations: { note: 'kept', 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"password":"old"}}' },
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd' }],
  finalizers: ['example.com/keep'],
  managedFields: [{ manager: 'kubectl' }],
}

describe('the copy of a ConfigMap or Secret', () => {
  const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: '1' }, binaryData: { b: 'AA==' } }
  const copy = copyOf({ ...configMap, immutable: true } as unknown as ConfigMap, 'root-1')

  it('has the content, immutability included', () => {
    const { metadata: _, ...content } = copy
    assert.deepEqual(content, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      data: { a: '1' },
      binaryData: { b: 'AA==' },
      immutable: true,
    })
  })

  it('says whose it is, of which object, and at which version', () => {
    assert.deepEqual(copy.metadata?.labels, { app: 'web', 'kosmos.io/root-cluster': 'root-1' })
    assert.deepEqual(copy.metadata?.annotations, {
      note: 'kept',
      'kosmos.io/global': 'true',
      'kosmos.io/root-uid': 'root-uid',
      'kosmos.io/root-resource-version': '10',
    })
  })

  it('has nothing that only means something in the root: owners, finalizers, uid, what kubectl remembers', () => {
    assert.deepEqual(Object.keys(copy.metadata ?? {}).sort(), ['annotations', 'labels', 'name', 'namespace'])
  })

  it('cannot be given another root by the labels of the root object', () => {
    const forged = { ...configMap, metadata: { ...metadata, labels: { 'kosmos.io/root-cluster': 'another' } } }
    const { labels } = copyOf(forged as unknown as ConfigMap, 'root-1').metadata ?? {}
    assert.equal(labels?.['kosmos.io/root-cluster'], 'root-1')
  })

  it('of a Secret keeps its type', () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', data: {} }
    assert.equal((copyOf(secret as unknown as Secret, 'root-1') as { type?: string }).type, 'kubernetes.io/tls')
  })

  it('of a ServiceAccount token is opaque, or the leaf would collect it', () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/service-account-token', data: {} }
    assert.equal((copyOf(secret as unknown as Secret, 'root-1') as { type?: string }).type, 'Opaque')
  })
})
