import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Lingering } from './lingering.ts'

describe('a namespace whose last pod has gone', () => {
  it('lingers for a while, unless another pod comes', () => {
    const lingering = new Lingering(10)
    lingering.begin('shop', 100)
    assert.equal(lingering.leftMs('shop', 104), 6)
    assert(lingering.leftMs('shop', 110) <= 0)
    lingering.begin('shop', 120)
    lingering.end('shop')
    assert(lingering.leftMs('shop', 121) <= 0)
    assert(lingering.leftMs('other', 121) <= 0)
  })

  it('is forgotten afterwards, however many come and go', () => {
    const lingering = new Lingering(10)
    for (let now = 0; now < 10_000; now++) lingering.begin(`preview-${now}`, now)
    assert(lingering.size <= 10, `${lingering.size}`)
    assert.equal(lingering.leftMs('preview-9999', 10_000), 9)
  })
})
