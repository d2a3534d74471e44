import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Patience } from './patience.ts'

describe('how long a cluster that leaves is waited for', () => {
  it('is as long as was said, from when it began to leave', () => {
    const patience = new Patience(30_000)
    assert.ok(patience.lasts('a', 1_000))
    assert.ok(patience.lasts('a', 30_999))
    assert.ok(!patience.lasts('a', 31_000))
    assert.ok(patience.lasts('b', 31_000), 'another cluster has its own')
  })

  it('begins anew for one that has left, or has stayed after all', () => {
    const patience = new Patience(30_000)
    assert.ok(patience.lasts('a', 0))
    patience.forget('a')
    assert.ok(patience.lasts('a', 90_000))
    assert.ok(patience.lasts('a', 119_999))
  })
})
