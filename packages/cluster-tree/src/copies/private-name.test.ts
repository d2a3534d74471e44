import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { copyMetadata } from './identity.ts'
import { nameInRoot, privateName } from './private-name.ts'

describe('the name of a copy whose own name is taken', () => {
  it('is valid for every name, the same at all times, and another for every name and every root', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 2 }), ([a = '', b = '']) => {
        assert.match(privateName(a, 'root-1'), /^[a-z0-9-]{1,63}$/)
        assert.equal(privateName(a, 'root-1'), privateName(a, 'root-1'))
        assert.notEqual(privateName(a, 'root-1'), privateName(b, 'root-1'))
        assert.notEqual(privateName(a, 'root-1'), privateName(a, 'root-2'))
      }),
    )
  })

  it('is what it was in earlier versions, or a copy would not be found after an upgrade', () => {
    assert.equal(privateName('settings', 'root-1'), 'kosmos-copy-669c27e0c61b5e2f')
  })

  it('leads back to the name in the root, from the copy alone', () => {
    const root = { metadata: { name: 'settings', namespace: 'shop', uid: 'u', resourceVersion: '1' } }
    const named = (name?: string) => nameInRoot({ metadata: copyMetadata(root, 'root-1', name) })
    assert.deepEqual([named(), named(privateName('settings', 'root-1'))], ['settings', 'settings'])
  })
})
