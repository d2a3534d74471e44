import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '@kosmos/kube'
import { withAdvertised } from './watched-node.ts'

describe('what is advertised on a virtual node', () => {
  const written = (manager: string, ...names: readonly string[]) => {
    const amounts = Object.fromEntries(names.map((name) => [`f:${name}`, {}]))
    return { manager, fieldsV1: { 'f:status': { 'f:capacity': amounts, 'f:allocatable': amounts } } }
  }
  const node = (...managedFields: readonly object[]) =>
    ({ metadata: { name: 'kosmos-east', uid: 'u', resourceVersion: '1', managedFields } }) as unknown as Node

  it('is what others have written, of domains that are not Kubernetes’ own', () => {
    const ours = written('kosmos', 'cpu', 'example.com/gpu')
    const others = written('kubectl', 'memory', 'kubernetes.io/batteries', 'example.com/licence', 'example.com/dongle')
    const { advertised, metadata } = withAdvertised(node(ours, others), 'kosmos')
    assert.deepEqual(advertised, ['example.com/dongle', 'example.com/licence'])
    assert.ok(!('managedFields' in metadata), 'they are often more than the rest')
  })

  it('is nothing where the root’s API server keeps no account of who writes, or others wrote something else', () => {
    const { managedFields: _, ...metadata } = { managedFields: [], ...node().metadata }
    assert.equal(withAdvertised({ metadata }, 'kosmos').advertised, undefined)
    const conditions = { manager: 'kube-controller-manager', fieldsV1: { 'f:status': { 'f:conditions': {} } } }
    assert.equal(withAdvertised(node(conditions, { manager: 'kubectl' }), 'kosmos').advertised, undefined)
  })
})
