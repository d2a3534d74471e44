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

  it('lingers from the last time on, and keeps none of those that went meanwhile', () => {
    const lingering = new Lingering(10)
    lingering.begin('shop', 0)
    lingering.begin('other', 1)
    lingering.begin('shop', 9)
    lingering.begin('third', 12)
    assert.equal(lingering.leftMs('shop', 12), 7)
    assert.equal(lingering.size, 2, 'the other one is over')
  })

  it('is forgotten afterwards, however many come and go', () => {
    const lingering = new Lingering(10)
    for (let now = 0; now < 10_000; now++) lingering.begin(`preview-${now}`, now)
    assert(lingering.size <= 10, `${lingering.size}`)
    assert.equal(lingering.leftMs('preview-9999', 10_000), 9)
  })
})
