import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { NamespacesInUse } from './namespaces-in-use.ts'

describe('namespaces in use', () => {
  it('are those with a pod on either side, and each turn is told once', () => {
    const step = fc.record({
      side: fc.constantFrom('root' as const, 'leaf' as const),
      namespace: fc.constantFrom('a', 'b'),
      name: fc.constantFrom('x', 'y'),
      isThere: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const used = new NamespacesInUse()
        const there = new Set<string>()
        for (const { side, namespace, name, isThere } of steps) {
          const before = used.has(namespace)
          const turned = used.set(side, `${namespace}/${name}`, isThere)
          if (isThere) there.add(`${namespace} ${side} ${name}`)
          else there.delete(`${namespace} ${side} ${name}`)
          const expected = [...there].some((pod) => pod.startsWith(`${namespace} `))
          assert.equal(used.has(namespace), expected)
          assert.equal(turned, before === expected ? undefined : namespace)
        }
      }),
    )
  })
})
