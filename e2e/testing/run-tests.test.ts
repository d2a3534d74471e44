import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inOrder } from './run-tests.ts'

describe('the order of test files', () => {
  it('has a short one after each long one, and what is left at the end', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((name) => `e2e/scenarios/${name}.test.ts`)
    const [clusters, link] = ['clusters', 'link'].map((name) => `e2e/scenarios/${name}.test.ts`)
    assert(a && b && c && clusters && link)
    assert.deepEqual(inOrder([a, b, c, clusters, link]), [clusters, a, link, b, c])
    assert.deepEqual(inOrder([clusters, link, a]), [clusters, a, link])
  })

  it('has every file once', () => {
    assert.deepEqual(inOrder(['x', 'y']), ['x', 'y'])
    assert.deepEqual(inOrder([]), [])
  })
})
