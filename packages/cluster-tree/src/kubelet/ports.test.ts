import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { portRange } from './ports.ts'

describe('the ports of the kubelet API', () => {
  it('are never given to two nodes at a time, and are the lowest that are free', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd')
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), name)), (steps) => {
        const ports = portRange(10250)
        const held = new Map<string, number>()
        for (const [takes, node] of steps) {
          if (!takes || held.has(node)) {
            ports.release(node)
            held.delete(node)
            continue
          }
          const port = ports.take(node)
          const taken = new Set(held.values())
          assert(!taken.has(port))
          for (let lower = 10250; lower < port; lower++) assert(taken.has(lower))
          held.set(node, port)
        }
      }),
    )
  })

  it('are left to the operating system when asked for', () => {
    const ports = portRange(0)
    assert.equal(ports.take('a'), 0)
    assert.equal(ports.take('b'), 0)
  })
})
