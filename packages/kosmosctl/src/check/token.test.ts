import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tokenLife } from './token.ts'

const jwt = (claims: unknown) => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`

describe('the life of a token', () => {
  it('is what the token says', () => {
    assert.deepEqual(tokenLife(jwt({ iat: 1, exp: 3 })), { issuedAt: 1000, expiresAt: 3000 })
  })

  it('is unknown when it says nothing, or is no JWT', () => {
    for (const token of [undefined, '', 'opaque', 'a.b.c', jwt({ exp: 3 }), jwt('text')]) {
      assert.equal(tokenLife(token), undefined)
    }
  })
})
