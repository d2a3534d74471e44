import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { run } from './model.ts'

describe('pods of mixed shapes in leaves that are 90 % full', () => {
  for (const seed of [1, 2]) {
    const options = { leaves: 2, pods: 700, use: 0.9, seed }

    it(`are given to no leaf that has no machine for them by the decisions of Kosmos, seed ${seed}`, () => {
      const kosmos = run('kosmos', options)
      assert(kosmos.placements > 650, `${kosmos.placements} of 700 were placed`)
      assert.equal(kosmos.pendingInLeaf, 0)
      assert(kosmos.density > 0.7 * kosmos.bound, `${kosmos.density} of ${kosmos.bound}`)
    })

    it(`are so by the stock scheduler, which sees the sum of a leaf, seed ${seed}`, () => {
      const stock = run('stock', options)
      assert(stock.pendingShare > 0.01, `${stock.pendingShare}`)
    })
  }
})
