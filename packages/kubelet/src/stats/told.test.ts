import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isTold } from './told.ts'

describe('what is asked of a kubelet', () => {
  it('is told in the exposition format', () => {
    assert(isTold('metrics/resource', 'scrape_error 0\n'))
    assert(!isTold('metrics/resource', { kind: 'Status' }))
  })

  it('is told in a summary', () => {
    for (const body of [{ node: {} }, { node: {}, pods: [] }, { node: {}, pods: [{ podRef: {} }] }]) {
      assert(isTold('stats/summary', body), JSON.stringify(body))
    }
    const others = ['a page', null, 5, [], {}, { node: 5 }, { node: {}, pods: 5 }, { node: {}, pods: [null] }]
    for (const body of [...others, { node: {}, pods: [{}] }]) {
      assert(!isTold('stats/summary?only_cpu_and_memory=true', body), JSON.stringify(body))
    }
  })
})
