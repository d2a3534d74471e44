import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PodSpec } from '@kosmos/kube'
import fc from 'fast-check'
import { tokenWishes, wishOf } from './wishes.ts'

const spec = (...tokens: readonly { audience?: string; expirationSeconds?: number }[]): PodSpec => ({
  containers: [],
  volumes: [
    { name: 'none', emptyDir: {} },
    ...tokens.map((token, index) => ({
      name: `v${index}`,
      projected: { sources: [{ serviceAccountToken: { path: `t${index}`, ...token } }] },
    })),
  ],
})

describe('the tokens that a pod asks for', () => {
  it('are those of its projected volumes, with the defaults of the API', () => {
    assert.deepEqual(
      tokenWishes(spec({}, { audience: 'vault', expirationSeconds: 7200 })).map(({ key: _, ...wish }) => wish),
      [
        { audience: undefined, expirationSeconds: 3600 },
        { audience: 'vault', expirationSeconds: 7200 },
      ],
    )
  })

  it('are not what else is projected beside them', () => {
    const sources = [{ configMap: { name: 'kube-root-ca.crt' } }, { serviceAccountToken: { path: 'token' } }]
    assert.equal(tokenWishes({ containers: [], volumes: [{ name: 'api', projected: { sources } }] }).length, 1)
  })

  it('are never those that an API server makes valid for a year', () => {
    assert.deepEqual(wishOf({ expirationSeconds: 3607 }), wishOf({ expirationSeconds: 3600 }))
  })

  it('are one token where two volumes ask for the same, and have keys that a Secret may have', () => {
    const token = fc.record({ audience: fc.string(), expirationSeconds: fc.integer({ min: 600 }) })
    fc.assert(
      fc.property(fc.array(token), (tokens) => {
        const wishes = tokenWishes(spec(...tokens, ...tokens))
        const different = new Set(tokens.map((token) => JSON.stringify(wishOf(token))))
        assert.equal(wishes.length, different.size)
        assert.equal(new Set(wishes.map(({ key }) => key)).size, wishes.length)
        for (const { key } of wishes) assert.match(key, /^[-._a-zA-Z0-9]+$/)
      }),
    )
  })
})
