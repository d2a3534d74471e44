import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EndpointSlice } from '@kosmos/kube'
import { planSlice } from './plan.ts'

const wanted = {
  metadata: {
    name: 'web',
    labels: { app: 'web' },
    annotations: { 'kosmos.io/root-resource-version': '7' },
    ownerReferences: [],
  },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.0.0.1'] }],
  ports: [{ port: 80 }],
}
type Metadata = Partial<EndpointSlice['metadata']>
const inLeaf = (metadata: Metadata = {}, content: object = {}) =>
  ({
    ...wanted,
    ...content,
    metadata: { ...wanted.metadata, uid: 'u', resourceVersion: '70', ...metadata },
  }) as EndpointSlice
const replace = { kind: 'replace', uid: 'u', resourceVersion: '70' }

describe('what is to be done with a slice of ours in a leaf', () => {
  it('is nothing when it is as wanted, also when the leaf labels and annotates what we write', () => {
    assert.deepEqual(planSlice(wanted, inLeaf()), { kind: 'none' })
    const labels = { ...wanted.metadata.labels, team: 'a' }
    const annotations = { ...wanted.metadata.annotations, 'example.com/seen-at': 'noon' }
    assert.deepEqual(planSlice(wanted, inLeaf({ labels, annotations })), { kind: 'none' })
  })

  it('is to write it when a label, an annotation, its owner or what is in it is another', () => {
    for (const metadata of [
      { labels: { app: 'other' } },
      { labels: {} },
      { annotations: {} },
      { ownerReferences: [{}] },
    ])
      assert.deepEqual(planSlice(wanted, inLeaf(metadata as Metadata)), replace)
    for (const content of [{ addressType: 'IPv6' }, { endpoints: [] }, { ports: [{ port: 81 }] }])
      assert.deepEqual(planSlice(wanted, inLeaf({}, content)), replace)
  })

  it('is the same for no endpoints and an empty list of them, as an API server may say it', () => {
    const empty = { ...wanted, endpoints: [], ports: [] }
    assert.deepEqual(planSlice(empty, inLeaf({}, { endpoints: null, ports: undefined })), { kind: 'none' })
  })

  it('is to make it, or to delete that very one when it is not wanted', () => {
    assert.deepEqual(planSlice(wanted, undefined), { kind: 'create' })
    assert.deepEqual(planSlice(undefined, inLeaf()), { kind: 'delete', uid: 'u', reason: 'unneeded' })
    assert.deepEqual(planSlice(undefined, undefined), { kind: 'none' })
  })
})
