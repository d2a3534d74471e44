import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { candidatesText } from './candidates-text.ts'

describe('the nodes that would take a pod', () => {
  it('are shown with what speaks for them, and not all of a thousand', () => {
    const candidate = { hasRoom: true, priority: 5, isOwn: false, fit: 87 }
    const text = candidatesText(Array.from({ length: 12 }, (_, i) => ({ ...candidate, node: `kosmos-leaf${i}` })))
    assert.match(text, /kosmos-leaf0 +yes +5 +leaf +87/)
    assert.match(text, /and 2 more$/)
    assert.doesNotMatch(text, /kosmos-leaf10/)
    assert.match(
      candidatesText([{ ...candidate, node: 'worker', hasRoom: false, isOwn: true }]),
      /worker +no +5 +root *$/m,
    )
  })
})
