import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatCidr, parseCidr } from '@kosmos/kube/addresses'
import fc from 'fast-check'
import type { LinkCluster, LinkNetwork, SeenNetwork } from '../model/network.ts'
import { networks } from './testing/networks.ts'
import { overlapsIn, podNetworksOf, takenByTunnels, visibleNetworks } from './visible.ts'

const seen = (local: string, global = local, kind: SeenNetwork['kind'] = 'Pod'): SeenNetwork => ({
  kind,
  local: parseCidr(local),
  global: parseCidr(global),
})

/** Clusters without nodes, by name. */
function networkOf(clusters: Readonly<Record<string, readonly SeenNetwork[]>>, parts: Partial<LinkCluster> = {}) {
  const common = { networkType: 'p2p', tunnel: 'vxlan', bridge: {}, local: {} } as const
  const own = { families: new Set([4, 6] as const), nodes: new Map(), strangers: new Map() }
  const all = Object.entries(clusters).map(([name, networks]) => ({ name, ...common, ...own, ...parts, networks }))
  return new Map<string, LinkCluster>(all.map((cluster) => [cluster.name, cluster]))
}

const changed = (network: LinkNetwork, name: string, parts: Partial<LinkCluster>): LinkNetwork =>
  new Map([...network].map(([one, cluster]) => [one, one === name ? { ...cluster, ...parts } : cluster]))

const visible = (network: LinkNetwork, viewer: string, target: string): string[] => {
  const [a, b] = [network.get(viewer), network.get(target)]
  assert.ok(a && b)
  return visibleNetworks(network, a, b).map(({ global }) => formatCidr(global))
}
const overlaps = (network: LinkNetwork) =>
  overlapsIn(network).map(({ cluster, cidr, otherCluster, otherCidr }) => [cluster, cidr, otherCluster, otherCidr])

describe('what a cluster reaches of another one', () => {
  it('has the addresses that others know, and is hidden by the own addresses of the viewer only', () => {
    const network = networkOf({ a: [seen('10.1.0.0/16', '100.64.0.0/16')], b: [seen('10.1.0.0/16', '100.65.0.0/16')] })
    assert.deepEqual(visible(network, 'a', 'b'), ['100.65.0.0/16'])
    assert.deepEqual(visible(network, 'b', 'a'), ['100.64.0.0/16'])
    assert.deepEqual(overlaps(network), [])
    const unmapped = networkOf({ a: [seen('10.1.0.0/16', '100.64.0.0/16')], b: [seen('10.1.2.0/24')] })
    assert.deepEqual(visible(unmapped, 'a', 'b'), [])
    const likeOthersSeeIt = networkOf({ a: [seen('10.1.0.0/16', '100.64.0.0/16')], b: [seen('100.64.0.0/16')] })
    assert.deepEqual(visible(likeOthersSeeIt, 'a', 'b'), ['100.64.0.0/16'])
  })

  it('is what the cluster has whose name comes first, of those with which the viewer talks', () => {
    const network = networkOf({ a: [seen('10.9.0.0/16')], b: [seen('10.9.3.0/24')], c: [seen('10.3.0.0/16')] })
    assert.deepEqual(visible(network, 'c', 'a'), ['10.9.0.0/16'])
    assert.deepEqual(visible(network, 'c', 'b'), [])
    const apart = changed(network, 'c', { strangers: new Map([['a', ['p']]]) })
    assert.deepEqual(visible(apart, 'c', 'b'), ['10.9.3.0/24'])
    const mapped = { a: [seen('10.1.0.0/16', '100.64.0.0/16')], c: [seen('10.3.0.0/16')] }
    assert.deepEqual(visible(networkOf({ ...mapped, b: [seen('10.1.0.0/16')] }), 'c', 'b'), ['10.1.0.0/16'])
    assert.deepEqual(visible(networkOf({ ...mapped, b: [seen('100.64.7.0/24')] }), 'c', 'b'), [])
  })

  it('is of families that both link', () => {
    const network = networkOf({ a: [seen('10.1.0.0/16')], b: [seen('10.2.0.0/16'), seen('fd00:2::/48')] })
    assert.deepEqual(visible(network, 'a', 'b'), ['10.2.0.0/16', 'fd00:2::/48'])
    for (const name of ['a', 'b']) {
      const without6 = changed(network, name, { families: new Set([4]) })
      assert.deepEqual(visible(without6, 'a', 'b'), ['10.2.0.0/16'])
    }
  })
})

describe('networks that overlap', () => {
  const same = { a: [seen('10.9.0.0/16')], b: [seen('10.9.3.0/24')] }

  it('are named once with whose they are, however many clusters do not reach them therefore', () => {
    const named = ['10.9.0.0/16', '10.9.3.0/24']
    for (const network of [networkOf(same), networkOf({ ...same, c: [seen('10.3.0.0/16')], d: [] })]) {
      const [[cluster, cidr, other, otherCidr] = [], ...more] = overlaps(network)
      assert.deepEqual(more, [])
      assert.deepEqual([cluster, other].sort(), ['a', 'b'])
      assert.deepEqual([cidr, otherCidr].sort(), named)
    }
  })

  it('are none of two that do not talk, unless a third one talks with both', () => {
    const strangersOf = (name: string) => ({ strangers: new Map([[name, ['p']]]) })
    const apart = (network: LinkNetwork) => changed(changed(network, 'a', strangersOf('b')), 'b', strangersOf('a'))
    assert.deepEqual(overlaps(apart(networkOf(same))), [])
    const third = { ...same, c: [seen('10.3.0.0/16')] }
    assert.deepEqual(overlaps(apart(networkOf(third))), [['b', '10.9.3.0/24', 'a', '10.9.0.0/16']])
  })

  it('are none in a family that one of them does not link', () => {
    const network = networkOf({ a: [seen('fd00:9::/48')], b: [seen('fd00:9::/64')] })
    assert.equal(overlaps(network).length, 1)
    for (const name of ['a', 'b']) assert.deepEqual(overlaps(changed(network, name, { families: new Set([4]) })), [])
  })
})

describe('the networks of a node as others reach them', () => {
  it('are those of its pods that are in one that is seen, one to one', () => {
    const node = { name: 'n', isGateway: false, tunnelID: 1, mtu: 1500 }
    const podCIDRs = ['10.1.7.0/24', '10.2.0.0/24', '10.8.0.0/24', 'fd00:1:0:7::/64'].map(parseCidr)
    const seenByOthers = [
      seen('10.8.0.0/16', '10.8.0.0/16', 'Service'),
      seen('10.1.0.0/16', '100.64.0.0/16'),
      seen('fd00:1::/48'),
    ]
    assert.deepEqual(podNetworksOf({ ...node, podCIDRs }, seenByOthers).map(formatCidr), [
      '100.64.7.0/24',
      'fd00:1:0:7::/64',
    ])
  })
})

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

  it('are compared with what pods have, and with how others see them, once where that is the same', () => {
    const own = networkOf({ a: [seen('10.1.0.0/16', '100.64.0.0/16')], b: [] })
    const taken = (ip: string) =>
      takenByTunnels(changed(own, 'b', { bridge: { ip: parseCidr(ip) } })).map(({ otherCidr }) => otherCidr)
    assert.deepEqual(taken('10.0.0.0/8'), ['10.1.0.0/16'])
    assert.deepEqual(taken('100.0.0.0/8'), ['100.64.0.0/16'])
    assert.deepEqual(taken('11.0.0.0/8'), [])
    const plain = changed(networkOf({ a: [seen('10.1.0.0/16')], b: [] }), 'b', {
      bridge: { ip: parseCidr('10.0.0.0/8') },
    })
    assert.deepEqual(takenByTunnels(plain).length, 1)
  })

  it('within a cluster are compared with what that cluster itself has only', () => {
    const local = { ip: parseCidr('10.0.0.0/8') }
    const network = networkOf({ a: [seen('10.1.0.0/16')], b: [seen('10.2.0.0/16')] })
    assert.deepEqual(
      takenByTunnels(changed(network, 'b', { local })).map(({ otherCluster, otherCidr }) => [otherCluster, otherCidr]),
      [['b', '10.2.0.0/16']],
    )
  })

  it('do not matter in a family that the cluster does not link', () => {
    const network = changed(networkOf({ a: [seen('fd00:1::/48')], b: [] }), 'b', {
      bridge: { ip6: parseCidr('fd00::/16') },
    })
    assert.equal(takenByTunnels(network).length, 1)
    assert.deepEqual(takenByTunnels(changed(network, 'b', { families: new Set([4]) })), [])
  })
})
