import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { freeTunnelID } from './addresses.ts'

describe('the numbers of nodes', () => {
  it('are given until none is left, each once, and never the first or the last address of a network', () => {
    const node = fc.record({ name: fc.string(), ip: fc.option(fc.ipV4(), { nil: undefined }) })
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.infiniteStream(node), (bits, nodes) => {
        const taken = new Set<number>()
        const next = () => freeTunnelID(nodes.next().value, taken, bits)
        for (let id = next(); id !== undefined; id = next()) {
          assert.ok(!taken.has(id), `${id} is given twice`)
          taken.add(id)
        }
        assert.deepEqual(
          [...taken].sort((a, b) => a - b),
          Array.from({ length: 2 ** bits - 2 }, (_, i) => i + 1),
        )
      }),
    )
  })
})
