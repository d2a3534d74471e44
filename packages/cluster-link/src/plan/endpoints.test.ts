import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseEndpoint } from '@kosmos/api'
import type { LinkNetwork, LinkNode } from '../model/network.ts'
import { plansOf } from '../planned.fixture.ts'
import { buildNetwork, type ClusterSketch } from './testing/networks.ts'

const sketch: ClusterSketch = {
  networkType: 'gateway',
  tunnel: 'wireguard',
  families: [4, 6],
  nodes: 2,
  gateways: 1,
  overlapping: false,
  prefix: 16,
}

/** Two clusters whose nodes have IPv6 as well, those of the first one with this in addition. */
function withNodes(tunnel: 'wireguard' | 'ipsec' | 'vxlan', parts: Partial<LinkNode>): LinkNetwork {
  const network = buildNetwork([
    { ...sketch, tunnel },
    { ...sketch, tunnel },
  ])
  return new Map(
    [...network].map(([name, cluster]) => {
      const own = name === 'c0' ? parts : {}
      const nodes = [...cluster.nodes].map(([name, node]) => [name, { ...node, ip6: 'fd00::1', ...own }] as const)
      return [name, { ...cluster, nodes: new Map(nodes) }]
    }),
  )
}

const specOf = (network: LinkNetwork, place: string) => plansOf(network).get(place) ?? assert.fail(place)

describe('a gateway that is reached at an address which it does not have', () => {
  const at = { endpoint: parseEndpoint('203.0.113.7:4000') }

  it('is called there by other clusters, and calls them where they are', () => {
    const network = withNodes('wireguard', at)
    assert.deepEqual(
      specOf(network, 'c1n0').peers?.map(({ endpoint }) => endpoint),
      ['203.0.113.7:4000'],
    )
    assert.deepEqual(
      specOf(network, 'c0n0').peers?.map(({ endpoint }) => endpoint),
      ['173.30.0.10:51872'],
    )
    const { ipsecPeers: [peer] = [] } = specOf(withNodes('ipsec', at), 'c1n0')
    assert.deepEqual([peer?.local, peer?.remote, peer?.remotePort], ['173.30.0.10', '203.0.113.7', 4_000])
  })

  it('is called at the usual port where it has no other', () => {
    const network = withNodes('wireguard', { endpoint: parseEndpoint('203.0.113.7') })
    assert.equal(specOf(network, 'c1n0').peers?.[0]?.endpoint, '203.0.113.7:51872')
    const { ipsecPeers: [peer] = [] } = specOf(withNodes('ipsec', { endpoint: parseEndpoint('203.0.113.7') }), 'c1n0')
    assert.deepEqual([peer?.remote, peer?.remotePort], ['203.0.113.7', undefined])
  })

  it('is called by IPv6 where that is said, with room for its longer headers', () => {
    const by4 = withNodes('wireguard', at)
    const by6 = withNodes('wireguard', { endpoint: parseEndpoint('[2001:db8::7]:4000') })
    assert.equal(specOf(by6, 'c1n0').peers?.[0]?.endpoint, '[2001:db8::7]:4000')
    const mtuOf = (network: LinkNetwork, place: string) =>
      specOf(network, place).devices?.find(({ type }) => type === 'wireguard')?.mtu ?? 0
    for (const place of ['c0n0', 'c1n0']) assert.equal(mtuOf(by4, place) - mtuOf(by6, place), 20, place)
  })

  it('is reached by its own cluster as ever, and so is one without encryption', () => {
    for (const place of ['c0n0', 'c0n1']) {
      const [plain, elsewhere] = [withNodes('wireguard', {}), withNodes('wireguard', at)]
      assert.deepEqual(specOf(elsewhere, place), specOf(plain, place))
    }
    assert.deepEqual(specOf(withNodes('vxlan', at), 'c1n0'), specOf(withNodes('vxlan', {}), 'c1n0'))
  })
})
