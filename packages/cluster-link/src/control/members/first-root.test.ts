import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { StoredNodeConfig } from '../resources.ts'
import { firstRoot } from './first-root.ts'

const config = (root: string | undefined, second: number) =>
  ({
    metadata: {
      name: `${root}-${second}`,
      creationTimestamp: new Date(second * 1_000).toISOString(),
      ...(root && { labels: { 'kosmos.io/root-cluster': root } }),
    },
    spec: { nodeName: 'n1' },
  }) as unknown as StoredNodeConfig
const roots = fc.constantFrom('x', 'y', 'z', undefined)

describe('the root that links a cluster', () => {
  it('is the one whose NodeConfig is the oldest', () => {
    assert.equal(firstRoot([config('y', 2), config('x', 3)]), 'y')
    assert.equal(firstRoot([config('y', 2), config('x', 2)]), 'x')
    assert.equal(firstRoot([config(undefined, 1), config('x', 2)]), 'x')
    assert.equal(firstRoot([config(undefined, 1)]), undefined)
  })

  it('is the same for all who look, and stays it whatever others write later', () => {
    const some = fc.array(fc.record({ root: roots, second: fc.nat(5) }))
    fc.assert(
      fc.property(some, fc.array(roots), (present, later) => {
        const configs = present.map(({ root, second }) => config(root, second))
        const first = firstRoot(configs)
        assert.equal(firstRoot(configs.toReversed()), first)
        if (first === undefined) return
        assert.equal(firstRoot([...later.map((root) => config(root, 9)), ...configs]), first)
      }),
    )
  })
})
