import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { clusterNameMaxLength, InvalidClusterName, virtualNodeName } from './names.ts'

describe('the name of a virtual node', () => {
  it('is the name of the Cluster behind kosmos-', () => {
    assert.equal(virtualNodeName('eu-west.1'), 'kosmos-eu-west.1')
  })

  it('is never shortened: a Cluster name that is too long is refused with the limit', () => {
    const longest = 'a'.repeat(clusterNameMaxLength)
    assert.equal(virtualNodeName(longest).length, 63)
    assert.throws(() => virtualNodeName(`${longest}a`), {
      name: 'InvalidClusterName',
      message: /57 characters, at most 56/,
    })
  })

  it('differs whenever the Cluster names differ, and is a DNS subdomain of at most 63 characters', () => {
    const names = fc.oneof(fc.stringMatching(/^[a-z0-9.-]{1,70}$/), fc.string())
    const nodeOrRefusal = (name: string): string | undefined => {
      try {
        return virtualNodeName(name)
      } catch (error) {
        assert.ok(error instanceof InvalidClusterName)
        return undefined
      }
    }
    fc.assert(
      fc.property(names, names, (a, b) => {
        const [nodeA, nodeB] = [nodeOrRefusal(a), nodeOrRefusal(b)]
        if (nodeA === undefined) return
        assert.ok(nodeA.length <= 63)
        assert.match(nodeA, /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/)
        assert.ok(a === b || nodeA !== nodeB)
      }),
    )
  })

  for (const bad of ['', 'Upper', 'under_score', '-a', 'a-', 'a..b', 'a b', 'a\n']) {
    it(`is refused for ${JSON.stringify(bad)}`, () => {
      assert.throws(() => virtualNodeName(bad), InvalidClusterName)
    })
  }
})
