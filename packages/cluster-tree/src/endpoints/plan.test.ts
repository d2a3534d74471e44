import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EndpointSlice, KubeObject } from '@kosmos/kube'
import { planSlice } from './plan.ts'

const wanted = {
  metadata: {
    name: 'web',
    labels: { app: 'web' },
    annotations: { 'kosmos.io/root-resource-version': '7', 'kosmos.io/endpoints': 'a' },
    ownerReferences: [],
  },
  addressType: 'IPv4',
}
type Metadata = Partial<EndpointSlice['metadata']>
const inLeaf = (metadata: Metadata = {}): KubeObject => ({
  metadata: { ...wanted.metadata, uid: 'u', resourceVersion: '70', ...metadata },
})
const replace = { kind: 'replace', uid: 'u', resourceVersion: '70' }

describe('what is to be done with a slice of ours in a leaf', () => {
  it('is nothing when it is as wanted, also when the leaf labels and annotates what we write', () => {
    assert.deepEqual(planSlice(wanted, inLeaf()), { kind: 'none' })
    const labels = { ...wanted.metadata.labels, team: 'a' }
    const annotations = { ...wanted.metadata.annotations, 'example.com/seen-at': 'noon' }
    assert.deepEqual(planSlice(wanted, inLeaf({ labels, annotations })), { kind: 'none' })
  })

  it('is to write it when a label, an annotation, its owner or what we wrote into it is another', () => {
    for (const metadata of [
      { labels: { app: 'other' } },
      { labels: {} },
      { annotations: {} },
      { annotations: { ...wanted.metadata.annotations, 'kosmos.io/endpoints': 'b' } },
      { ownerReferences: [{}] },
    ])
      for (const contested of [false, true])
        assert.deepEqual(planSlice(wanted, inLeaf(metadata as Metadata), contested), replace)
  })

  it('is to set it right when somebody else wrote into it', () => {
    assert.deepEqual(planSlice(wanted, inLeaf(), true), { ...replace, setsRight: true })
  })

  it('is to make it, or to delete that very one when it is not wanted', () => {
    assert.deepEqual(planSlice(wanted, undefined), { kind: 'create' })
    for (const contested of [false, true])
      assert.deepEqual(planSlice(undefined, inLeaf(), contested), { kind: 'delete', uid: 'u', reason: 'unneeded' })
    assert.deepEqual(planSlice(undefined, undefined), { kind: 'none' })
  })
})
