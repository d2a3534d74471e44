import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refusalOf } from './identity.ts'

const leaf = (version: string, id = 'leaf-1') => ({ id, version })
const fresh = { rootClusterId: 'root-1', claimedBy: undefined, knownAs: undefined }

describe('a cluster that answers where a leaf is expected', () => {
  it('is taken when nothing is against it', () => {
    for (const version of ['v1.29.0', 'v1.37.2', 'v1.30.4-eks-1', 'v1.100.0', 'v2.0.0']) {
      assert.equal(refusalOf(leaf(version), fresh), undefined, version)
    }
  })

  it('is refused when it is the root itself', () => {
    assert.deepEqual(refusalOf(leaf('v1.37.2', 'root-1'), fresh), { reason: 'LeafIsRoot' })
  })

  it('is refused when the virtual node stands for another, whoever has that one', () => {
    const known = { ...fresh, knownAs: 'leaf-0' }
    assert.deepEqual(refusalOf(leaf('v1.37.2'), known), { reason: 'LeafReplaced' })
    assert.deepEqual(refusalOf(leaf('v1.37.2'), { ...known, claimedBy: 'west' }), { reason: 'LeafReplaced' })
    assert.equal(refusalOf(leaf('v1.37.2', 'leaf-0'), known), undefined)
  })

  it('is refused when another Cluster stands for it, which is named', () => {
    const refusal = refusalOf(leaf('v1.37.2'), { ...fresh, claimedBy: 'west' })
    assert.deepEqual(refusal, { reason: 'LeafAlreadyJoined', detail: 'Cluster west' })
  })

  it('is refused when it is too old, with what it runs and what is needed', () => {
    for (const version of ['v1.28.15', 'v1.9.0', 'v1.2.3-gke.1']) {
      const refusal = refusalOf(leaf(version), fresh)
      assert.equal(refusal?.reason, 'LeafTooOld')
      assert.match(refusal?.detail ?? '', new RegExp(`${version.replaceAll('.', '\\.')}.*v1\\.29`))
    }
  })
})
