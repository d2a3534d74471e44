import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DroppedAttributes } from './dropped-attributes.ts'

const HOUR_MS = 3_600_000
const gold = { volumeAttributesClassName: 'gold' }
const resources = { requests: { storage: '2Gi' } }

describe('a VolumeAttributesClass that a leaf has dropped', () => {
  const dropped = new DroppedAttributes()
  dropped.note('shop/data', 'l-1', 'gold', 0)

  it('is not asked for again, and what else changes is', () => {
    assert.equal(dropped.worthAsking('shop/data', 'l-1', gold, 1), undefined)
    assert.deepEqual(dropped.worthAsking('shop/data', 'l-1', { ...gold, resources }, 1), { resources })
  })

  it('is not asked for an hour long, whenever that began', () => {
    const later = new DroppedAttributes()
    later.note('shop/data', 'l-1', 'gold', 10 * HOUR_MS)
    assert.equal(later.worthAsking('shop/data', 'l-1', gold, 11 * HOUR_MS - 1), undefined)
    assert.equal(later.worthAsking('shop/data', 'l-1', gold, 11 * HOUR_MS), gold)
  })

  it('is asked for after an hour, of another claim, and when it is another', () => {
    assert.equal(dropped.worthAsking('shop/data', 'l-1', gold, HOUR_MS), gold)
    assert.equal(dropped.worthAsking('shop/data', 'l-2', gold, 1), gold)
    assert.equal(dropped.worthAsking('shop/other', 'l-1', gold, 1), gold)
    const silver = { volumeAttributesClassName: 'silver' }
    assert.equal(dropped.worthAsking('shop/data', 'l-1', silver, 1), silver)
    assert.deepEqual(dropped.worthAsking('shop/data', 'l-1', { resources }, 1), { resources })
  })

  it('is forgotten when there is nothing to ask for any more', () => {
    dropped.forget('shop/data')
    assert.equal(dropped.worthAsking('shop/data', 'l-1', gold, 1), gold)
  })
})
