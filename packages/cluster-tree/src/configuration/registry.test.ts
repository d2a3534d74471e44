import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ConfigurationRegistry } from './registry.ts'

const pod = fc.constantFrom('shop/a', 'shop/b', 'shop/c')
const key = fc.constantFrom('configmaps/shop/x', 'configmaps/shop/y', 'secrets/shop/x')
const statement = fc.tuple(pod, fc.uniqueArray(key))

describe('which pods need which ConfigMaps and Secrets', () => {
  it('is what the pods last said, in any order of statements', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 30 }), (statements) => {
        const registry = new ConfigurationRegistry()
        const model = new Map<string, readonly string[]>()
        const neededBy = (key: string) => [...model].filter(([, keys]) => keys.includes(key)).map(([pod]) => pod)
        const needed = () => [...new Set([...model.values()].flat())].sort()
        for (const [pod, keys] of statements) {
          const before = needed()
          const turned = registry.set(pod, keys)
          model.set(pod, keys)
          const now = needed()
          const changed = [...before.filter((key) => !now.includes(key)), ...now.filter((key) => !before.includes(key))]
          assert.deepEqual(turned.sort(), changed.sort(), 'keys that gained their first or lost their last pod')
          assert.deepEqual([...registry.keys()].sort(), now)
          for (const key of ['configmaps/shop/x', 'configmaps/shop/y', 'secrets/shop/x']) {
            assert.deepEqual([...registry.dependentsOf(key)].sort(), neededBy(key).sort())
            assert.equal(registry.isNeeded(key), neededBy(key).length > 0)
          }
        }
      }),
    )
  })

  it('tells whether a pod cannot do without', () => {
    const registry = new ConfigurationRegistry()
    registry.set('shop/a', ['secrets/shop/x'], ['secrets/shop/x'])
    assert(!registry.isRequired('secrets/shop/x'))
    registry.set('shop/b', ['secrets/shop/x'])
    assert(registry.isRequired('secrets/shop/x'))
    registry.set('shop/b', [])
    assert(registry.isNeeded('secrets/shop/x') && !registry.isRequired('secrets/shop/x'))
  })

  it('tells of a key when the last pod that cannot do without goes, or the first one comes: its copy may go, or stays', () => {
    const registry = new ConfigurationRegistry()
    const x = 'secrets/shop/x'
    registry.set('shop/a', [x], [x])
    assert.deepEqual(registry.set('shop/b', [x]), [x])
    assert.deepEqual(registry.set('shop/c', [x]), [])
    assert.deepEqual(registry.set('shop/b', [x], [x]), [])
    assert.deepEqual(registry.set('shop/c', []), [x])
  })

  it('counts a pod that names the same object twice once', () => {
    const registry = new ConfigurationRegistry()
    assert.deepEqual(registry.set('shop/a', ['secrets/shop/x', 'secrets/shop/x']), ['secrets/shop/x'])
    assert.deepEqual(registry.set('shop/a', []), ['secrets/shop/x'])
    assert(!registry.isNeeded('secrets/shop/x'))
  })
})
