import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { attributesClassInLeaf, attributesClassInRoot } from './class-names.ts'

describe('how a leaf calls a VolumeAttributesClass', () => {
  it('is as the root does, or as the Cluster says; empty is none', () => {
    assert.equal(attributesClassInLeaf('gold', {}), 'gold')
    assert.equal(attributesClassInLeaf('gold', { gold: 'premium' }), 'premium')
    assert.equal(attributesClassInLeaf('gold', { gold: '' }), undefined)
    assert.equal(attributesClassInLeaf('', { silver: 'premium' }), undefined)
    assert.equal(attributesClassInLeaf(undefined, {}), undefined)
  })

  it('is told in the root by the name that was spoken of, where several are one in the leaf', () => {
    const names = { gold: 'premium', platinum: 'premium' }
    assert.equal(attributesClassInRoot('premium', ['platinum'], names), 'platinum')
    assert.equal(attributesClassInRoot('premium', ['iron', undefined, 'platinum'], names), 'platinum')
    assert.equal(attributesClassInRoot('premium', [], names), 'gold')
    assert.equal(attributesClassInRoot('of-the-leaf', [], names), 'of-the-leaf')
    assert.equal(attributesClassInRoot(undefined, ['gold'], names), undefined)
  })

  it('leads back to the name that the claim asks for', () => {
    const name = fc.constantFrom('gold', 'silver', 'iron')
    fc.assert(
      fc.property(name, fc.dictionary(name, fc.constantFrom('gold', 'silver', 'premium')), (asked, names) => {
        const inLeaf = attributesClassInLeaf(asked, names)
        assert.equal(attributesClassInRoot(inLeaf, [asked], names), asked)
      }),
    )
  })
})
