import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { attributesClassInRoot, classInLeaf, isOfOtherClass } from './class-names.ts'

describe('how a leaf calls a class', () => {
  it('is as the root does, or as the Cluster says; empty is none', () => {
    assert.equal(classInLeaf('gold', {}), 'gold')
    assert.equal(classInLeaf('gold', { gold: 'premium' }), 'premium')
    assert.equal(classInLeaf('gold', { gold: '' }), undefined)
    assert.equal(classInLeaf('', { silver: 'premium' }), undefined)
    assert.equal(classInLeaf(undefined, {}), undefined)
  })

  it('is told in the root by the name that was spoken of, where several are one in the leaf', () => {
    const names = { gold: 'premium', platinum: 'premium' }
    assert.equal(attributesClassInRoot('premium', ['platinum'], names), 'platinum')
    assert.equal(attributesClassInRoot('premium', ['iron', undefined, 'platinum'], names), 'platinum')
    assert.equal(attributesClassInRoot('premium', [], names), 'gold')
    assert.equal(attributesClassInRoot('of-the-leaf', [], names), 'of-the-leaf')
    assert.equal(attributesClassInRoot(undefined, ['gold'], names), undefined)
    assert.equal(attributesClassInRoot(undefined, ['gold'], { gold: '' }), undefined, 'none, whatever is none there')
  })

  it('leads back to the name that the claim asks for', () => {
    const name = fc.constantFrom('gold', 'silver', 'iron')
    fc.assert(
      fc.property(name, fc.dictionary(name, fc.constantFrom('gold', 'silver', 'premium')), (asked, names) => {
        const inLeaf = classInLeaf(asked, names)
        assert.equal(attributesClassInRoot(inLeaf, [asked], names), asked)
      }),
    )
  })
})

describe('a claim of a leaf that has no volume yet', () => {
  const isOther = (leaf: string | undefined, names: Record<string, string>) =>
    isOfOtherClass({ root: 'fast', leaf }, names, (name) => name !== 'fast')

  it('is of another class than the Cluster says when that says another name', () => {
    assert.equal(isOther('fast', {}), false)
    assert.equal(isOther('fast', { fast: 'gp3' }), true)
    assert.equal(isOther('gp3', { fast: 'gp3' }), false)
    assert.equal(isOther(undefined, { fast: 'gp3' }), true)
  })

  it('is of another class than the default only where the leaf does not have its class', () => {
    assert.equal(isOther('fast', { fast: '' }), true)
    assert.equal(isOther('gp3', { fast: '' }), false)
    assert.equal(isOther(undefined, { fast: '' }), false)
  })
})
