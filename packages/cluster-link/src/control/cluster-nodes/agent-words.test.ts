import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Lease, microTime } from '@kosmos/kube'
import fc from 'fast-check'
import { AgentWords } from './agent-words.ts'

const lease = (renewed: number): Lease =>
  ({
    metadata: { name: 'n1', namespace: 'kosmos-link', uid: 'u', resourceVersion: String(renewed) },
    spec: { holderIdentity: 'n1', leaseDurationSeconds: 40, renewTime: microTime(new Date(renewed)) },
  }) as Lease

describe('the word of an agent', () => {
  it('is current from when its Lease is seen to change, and silent when it does not for as long as the Lease says', () => {
    const words = new AgentWords()
    assert.equal(words.saw(lease(1), 0), true)
    assert.deepEqual(words.of('n1', 39_999), { kind: 'unheard', forMs: 1 })
    assert.equal(words.saw(lease(2), 39_999), true)
    assert.deepEqual(words.of('n1', 40_000), { kind: 'current', forMs: 39_999 })
    assert.equal(words.saw(lease(3), 60_000), false)
    assert.deepEqual(words.of('n1', 100_000), { kind: 'silent', silentMs: 40_000 })
    assert.equal(words.saw(lease(4), 130_000), true)
    assert.equal(words.of('n1', 130_000).kind, 'current')
  })

  it('is waited for when there is no Lease, and current at once when one is made', () => {
    const words = new AgentWords()
    assert.equal(words.of('n1', 1_000).kind, 'unheard')
    assert.deepEqual(words.of('n1', 41_000), { kind: 'silent', silentMs: 40_000 })
    words.saw(lease(1), 50_000)
    assert.equal(words.of('n1', 50_000).kind, 'current')
    words.gone('n1')
    assert.equal(words.of('n1', 60_000).kind, 'unheard')
  })

  it('does not depend on the clock of the node, nor on writes that renew nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4_000_000_000_000 }), { minLength: 2 }), (clocks) => {
        const words = new AgentWords()
        for (const [index, clock] of clocks.entries()) words.saw(lease(clock), index * 20_000)
        const changes = clocks.flatMap((clock, index) => (index > 0 && clock !== clocks[index - 1] ? [index] : []))
        const last = changes.at(-1) ?? 0
        const now = (clocks.length - 1) * 20_000 + 1
        const word = words.of('n1', now)
        const age = now - last * 20_000
        assert.equal(word.kind, age >= 40_000 ? 'silent' : changes.length > 0 ? 'current' : 'unheard')
      }),
    )
  })
})
