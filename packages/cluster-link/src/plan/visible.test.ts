import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { networks } from './testing/networks.ts'
import { takenByTunnels } from './visible.ts'

describe('networks of tunnels', () => {
  it('are free by default', () => {
    fc.assert(fc.property(networks, (network) => assert.deepEqual(takenByTunnels(network), [])))
  })

  it('are named when pods have them in any cluster that is talked with, and those within a cluster when they are its own', () => {
    fc.assert(
      fc.property(networks, (network) => {
        const [first, second] = [...network.values()]
        fc.pre(first !== undefined && second !== undefined && first.families.has(4))
        const [pods] = second.networks.filter(({ local }) => local.family === 4)
        fc.pre(pods !== undefined)
        const bridge = { ip: { ...pods.local, prefix: 8, base: (pods.local.base >> 24n) << 24n } }
        const changed = new Map([...network, [first.name, { ...first, bridge }]])
        const taken = takenByTunnels(changed)
        assert.ok(taken.some(({ cluster, otherCluster }) => cluster === first.name && otherCluster === second.name))
        const apart = { ...first, bridge, local: bridge, strangers: new Map([[second.name, ['p']]]) }
        const others = takenByTunnels(new Map([...network, [first.name, apart]]))
        assert.ok(others.every(({ otherCluster }) => otherCluster !== second.name))
        const own = first.networks.some(({ local }) => local.base >> 24n === pods.local.base >> 24n)
        if (own) assert.ok(others.some(({ otherCluster }) => otherCluster === first.name))
      }),
    )
  })
})
