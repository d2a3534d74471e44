import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checkName, parseNodes } from './plan.ts'

describe('what a person types for nodes', () => {
  it('may be one kind, several, or none', () => {
    assert.deepEqual(parseNodes('kwok:10'), { kwok: 10, real: 0 })
    assert.deepEqual(parseNodes('real:1,kwok:5'), { kwok: 5, real: 1 })
    assert.deepEqual(parseNodes('none'), { kwok: 0, real: 0 })
  })

  it('is refused otherwise, with what may be written', () => {
    for (const text of ['kwok', 'kwok:', 'kwok:-1', 'fake:3', 'kwok:1;real:1', 'real:999999']) {
      assert.throws(() => parseNodes(text), /write kwok:COUNT, real:COUNT/)
    }
  })
})

describe('the name of a test bed', () => {
  it('can never lead out of its folder', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          return /^[a-z0-9-]{1,40}$/.test(checkName(text))
        } catch (error) {
          return error instanceof TypeError
        }
      }),
    )
    assert.throws(() => checkName('../x'), TypeError)
    assert.equal(checkName('my-bed-2'), 'my-bed-2')
  })
})
