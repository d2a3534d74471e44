import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseEndpoint } from '@kosmos/api'
import { formatCidr, parseCidr } from '@kosmos/kube/addresses'
import type { LinkCluster, LinkNetwork } from '../model/network.ts'
import { buildNetwork, type ClusterSketch } from './testing/networks.ts'
import { overlapsIn, visibleNetworks } from './visible.ts'

const sketch: ClusterSketch = {
  networkType: 'p2p',
  tunnel: 'vxlan',
  families: [4],
  nodes: 5,
  gateways: 1,
  overlapping: false,
  prefix: 16,
}

/** Two clusters, the pods of the first one in this network. Nodes are 172.30.0.10 to .14 and 173.30.0.10 to .14. */
function withPods(cidr: string, networkType: ClusterSketch['networkType'] = 'p2p'): LinkNetwork {
  const [first, second] = [...buildNetwork([{ ...sketch, networkType }, sketch]).values()] as [LinkCluster, LinkCluster]
  const network = { kind: 'Pod' as const, local: parseCidr(cidr), global: parseCidr(cidr) }
  return new Map([{ ...first, networks: [network] }, second].map((cluster) => [cluster.name, cluster]))
}

const seenBy = (network: LinkNetwork): string[] => {
  const [first, second] = [...network.values()] as [LinkCluster, LinkCluster]
  return visibleNetworks(network, second, first).map(({ global }) => formatCidr(global))
}
const named = (network: LinkNetwork) =>
  overlapsIn(network).map(({ cluster, cidr, otherCluster, otherCidr }) => [cluster, cidr, otherCluster, otherCidr])

describe('a network of pods with addresses of nodes', () => {
  it('is not routed by a cluster whose nodes would lose each other, and both are named', () => {
    for (const cidr of ['173.30.0.0/16', '173.30.0.12/32', '173.0.0.0/8']) {
      assert.deepEqual(seenBy(withPods(cidr)), [], cidr)
      const [, , node, address] = named(withPods(cidr))[0] ?? []
      assert.equal(node, 'c1')
      assert.match(address ?? '', /^173\.30\.0\.1\d\/32$/)
    }
  })

  it('is not routed into tunnels that lead to such an address', () => {
    assert.deepEqual(seenBy(withPods('172.30.0.0/24')), [])
    assert.deepEqual(named(withPods('172.30.0.0/24')), [['c0', '172.30.0.0/24', 'c0', '172.30.0.10/32']])
  })

  it('is routed where the tunnels lead to other addresses, as those of gateways', () => {
    assert.deepEqual(seenBy(withPods('172.30.0.12/30', 'gateway')), ['172.30.0.12/30'])
    assert.deepEqual(seenBy(withPods('172.30.0.10/31', 'gateway')), [])
  })

  it('is not routed into tunnels that lead to such an address at a NAT', () => {
    const [first, second] = [...withPods('203.0.113.0/24').values()] as [LinkCluster, LinkCluster]
    const nodes = new Map(
      [...first.nodes].map(([name, node]) => [name, { ...node, endpoint: parseEndpoint('203.0.113.7:4000') }]),
    )
    const network: LinkNetwork = new Map([{ ...first, nodes }, second].map((cluster) => [cluster.name, cluster]))
    assert.deepEqual(seenBy(network), [])
    assert.deepEqual(named(network), [['c0', '203.0.113.0/24', 'c0', '203.0.113.7/32']])
  })

  it('is not routed in IPv6 either', () => {
    const [first, second] = [...withPods('fd00:1::/48').values()] as [LinkCluster, LinkCluster]
    const families = new Set([4, 6] as const)
    const nodes = new Map([...second.nodes].map(([name, node]) => [name, { ...node, ip6: 'fd00:1::7' }]))
    const all = [
      { ...first, families },
      { ...second, families, nodes },
    ]
    const network: LinkNetwork = new Map(all.map((cluster) => [cluster.name, cluster]))
    assert.deepEqual(seenBy(network), [])
    assert.deepEqual(named(network), [['c0', 'fd00:1::/48', 'c1', 'fd00:1::7/128']])
  })

  it('is routed where only its neighbours are nodes', () => {
    for (const cidr of ['173.30.0.8/31', '173.30.0.15/32', '173.30.1.0/24', '174.0.0.0/8']) {
      assert.deepEqual(seenBy(withPods(cidr)), [cidr], cidr)
      assert.deepEqual(named(withPods(cidr)), [])
    }
  })
})
