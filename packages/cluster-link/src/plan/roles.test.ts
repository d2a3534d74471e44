import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LinkCluster, Tunnel } from '../model/network.ts'
import { detourRanks, gatewaysFor, serviceEntries, tunnelBetween } from './roles.ts'
import { buildNetwork, type ClusterSketch } from './testing/networks.ts'

const plain: Omit<ClusterSketch, 'tunnel'> = {
  networkType: 'p2p',
  families: [4],
  nodes: 1,
  gateways: 0,
  overlapping: false,
  prefix: 16,
}

/** What two clusters wish, the one whose name comes first first; asked from both sides. */
function between(...wishes: [Tunnel, Tunnel]): Tunnel {
  const [a, b] = [...buildNetwork(wishes.map((tunnel) => ({ ...plain, tunnel }))).values()] as [
    LinkCluster,
    LinkCluster,
  ]
  assert.equal(tunnelBetween(a, b), tunnelBetween(b, a))
  return tunnelBetween(a, b)
}

describe('the tunnel between two clusters', () => {
  it('is clear text only if both wish that', () => {
    assert.equal(between('vxlan', 'vxlan'), 'vxlan')
    for (const tunnel of ['wireguard', 'ipsec'] as const) {
      assert.equal(between('vxlan', tunnel), tunnel)
      assert.equal(between(tunnel, 'vxlan'), tunnel)
    }
  })

  it('is what the one whose name comes first wishes, of two that encrypt', () => {
    assert.equal(between('ipsec', 'wireguard'), 'ipsec')
    assert.equal(between('wireguard', 'ipsec'), 'wireguard')
  })
})

describe('the nodes that take in what is for Services', () => {
  const entries = (parts: Partial<ClusterSketch>) => {
    const all = [
      { ...plain, tunnel: 'vxlan' as const, nodes: 6, ...parts },
      { ...plain, tunnel: 'vxlan' as const },
    ]
    const [cluster, other] = [...buildNetwork(all).values()] as [LinkCluster, LinkCluster]
    return serviceEntries(cluster, other).map(({ name }) => name)
  }

  it('are its gateways, else a few nodes in P2P, and nobody where gateways are awaited', () => {
    assert.deepEqual(entries({ gateways: 2 }).sort(), ['n0', 'n1'])
    assert.equal(entries({}).length, 3)
    assert.deepEqual(entries({ networkType: 'gateway' }), [])
  })
})

describe('a gateway that stands by', () => {
  it('comes after all others, whoever the other cluster is', () => {
    const all = [
      { ...plain, tunnel: 'vxlan' as const, nodes: 3, gateways: 3 },
      ...Array(8).fill({ ...plain, tunnel: 'vxlan' }),
    ]
    const [cluster, ...others] = [...buildNetwork(all).values()] as [LinkCluster, ...LinkCluster[]]
    for (const name of cluster.nodes.keys()) {
      const nodes = new Map([...cluster.nodes].map(([key, one]) => [key, { ...one, isStandby: key === name }]))
      for (const other of others) assert.equal(gatewaysFor({ ...cluster, nodes }, other).at(-1)?.name, name)
    }
  })
})

describe('the order in which gateways hand on', () => {
  const gateway: ClusterSketch = { ...plain, tunnel: 'vxlan', networkType: 'gateway', nodes: 5 }
  const ranksIn = (gateways: number) => {
    const [cluster] = buildNetwork([{ ...gateway, gateways }]).values()
    assert.ok(cluster)
    return [...cluster.nodes.values()]
      .slice(0, gateways)
      .map((node) => detourRanks(cluster, node).map((rank) => `${rank.gateway.name}${rank.takesHandedOn ? '+' : ''}`))
  }

  it('is the same for all, and what was handed on goes to those only that come later', () => {
    assert.deepEqual(ranksIn(3), [
      ['n1+', 'n2+'],
      ['n0', 'n2+'],
      ['n0', 'n1'],
    ])
  })

  it('ends with the second of two', () => {
    assert.deepEqual(ranksIn(2), [['n1'], ['n0']])
    assert.deepEqual(ranksIn(1), [[]])
  })
})
