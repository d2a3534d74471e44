import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Lease } from '@kosmos/kube'
import { NodeClocks } from './node-clocks.ts'

const now = Date.parse('2026-05-01T12:00:00Z')
const at = (ms: number): Lease =>
  ({ metadata: { name: 'n1' }, spec: { renewTime: new Date(ms).toISOString().replace('Z', '000Z') } }) as Lease

describe('the clock of a node', () => {
  /** Renewals 20 s apart by a clock that is ahead by so much, each told after a while. */
  const after = (...renewals: readonly { readonly aheadMs: number; readonly toldAfterMs?: number }[]) => {
    const clocks = new NodeClocks()
    const news = renewals.map(({ aheadMs, toldAfterMs = 500 }, n) => {
      const written = now + n * 20_000
      return clocks.renewed(at(written + aheadMs), written + toldAfterMs)
    })
    return { aheadMs: clocks.aheadMs('n1'), news }
  }
  const right = { aheadMs: 0 }

  it('is not known before two renewals, and right when it is in step', () => {
    assert.equal(after().aheadMs, undefined)
    assert.equal(after(right).aheadMs, undefined)
    assert.deepEqual(after(right, right, right), { aheadMs: 0, news: [false, true, false] })
    assert.equal(after({ aheadMs: 50_000 }, { aheadMs: 50_000 }).aheadMs, 0)
  })

  it('is wrong when two renewals in a row say so, ahead or behind, and is right again when one is', () => {
    const ahead = { aheadMs: 300_000 }
    assert.deepEqual(after(ahead, ahead), { aheadMs: 299_500, news: [false, true] })
    assert.equal(after({ aheadMs: -300_000 }, { aheadMs: -300_000 }).aheadMs, -300_500)
    assert.deepEqual(after(ahead, ahead, right), { aheadMs: 0, news: [false, true, true] })
  })

  it('is not taken for wrong when one renewal was told late, or once more', () => {
    assert.equal(after(right, { aheadMs: 0, toldAfterMs: 600_000 }, right).aheadMs, 0)
    const clocks = new NodeClocks()
    for (const later of [0, 600_000, 600_001]) assert.equal(clocks.renewed(at(now), now + later), false)
    assert.equal(clocks.aheadMs('n1'), undefined)
  })

  it('is forgotten with its Lease', () => {
    const clocks = new NodeClocks()
    for (const n of [0, 1]) clocks.renewed(at(now + n + 300_000), now + n)
    assert.ok(clocks.aheadMs('n1'))
    clocks.gone('n1')
    assert.equal(clocks.aheadMs('n1'), undefined)
  })
})
