import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { parseCidr } from '@kosmos/kube/addresses'
import type { LinkCluster, LinkNetwork, LinkNode } from '../model/network.ts'
import { pairsOf } from './pairs.ts'
import { planNode } from './plan-node.ts'
import { MAX_SHARES } from './shares.ts'

const bridge = { ip: parseCidr('220.0.0.0/8') }
const local = { ip: parseCidr('210.0.0.0/8') }

/** Clusters of as many nodes each, of which two are gateways. */
function fleet(clusters: number, nodes: number): LinkNetwork {
  return new Map(
    Array.from({ length: clusters }, (_, c): [string, LinkCluster] => {
      const name = `c${c}`
      const pods = parseCidr(`10.${c}.0.0/16`)
      const services = parseCidr(`172.16.${c}.0/24`)
      const members = Array.from({ length: nodes }, (_, n): [string, LinkNode] => {
        const podCIDRs = [parseCidr(`10.${c}.${n}.0/24`)]
        const ip = `192.168.${c}.${n + 1}`
        return [`n${n}`, { name: `n${n}`, ip, podCIDRs, isGateway: n < 2, tunnelID: c * 1000 + n + 1, mtu: 1500 }]
      })
      const networks = [
        { kind: 'Pod' as const, local: pods, global: pods },
        { kind: 'Service' as const, local: services, global: services },
      ]
      const families = new Set([4 as const])
      const common = { networkType: 'gateway' as const, tunnel: 'vxlan' as const }
      return [
        name,
        { name, ...common, families, bridge, local, networks, nodes: new Map(members), strangers: new Map() },
      ]
    }),
  )
}

const entriesOf = (network: LinkNetwork, cluster: string, node: string): number => {
  const own = network.get(cluster)
  const member = own?.nodes.get(node)
  assert.ok(own && member)
  const spec = planNode(own, member, pairsOf(network, own))
  const { devices = [], routes = [], inwardRoutes = [], fdbs = [], arps = [] } = spec
  return [devices, routes, inwardRoutes, fdbs, arps].flat().length
}

describe('the size of a NodeConfig in gateway mode', () => {
  it('of an internal node grows with the clusters, and not with their nodes', () => {
    assert.equal(entriesOf(fleet(5, 10), 'c0', 'n5'), entriesOf(fleet(5, 40), 'c0', 'n5'))
    const [few, many] = [entriesOf(fleet(5, 10), 'c0', 'n5'), entriesOf(fleet(10, 10), 'c0', 'n5')]
    assert.ok(many > few && many < 3 * few)
  })

  it('of a gateway has no more routes to the pods of another cluster than shares, by each gateway there', () => {
    const routes = (nodes: number) => entriesOf(fleet(3, nodes), 'c0', 'n0') - entriesOf(fleet(2, nodes), 'c0', 'n0')
    // Its routes to Services, and to each gateway what a tunnel takes.
    const others = 2 + 2 * 3 + 1
    for (const nodes of [10, 100, 200])
      assert.ok(routes(nodes) <= (1 + MAX_SHARES + 2) * 2 + others, `${routes(nodes)}`)
  })

  it('of a gateway grows with the nodes of its own cluster and the shares of the others, and no faster', () => {
    const small = entriesOf(fleet(5, 10), 'c0', 'n0')
    assert.ok(entriesOf(fleet(5, 20), 'c0', 'n0') <= 2 * small)
    assert.ok(entriesOf(fleet(10, 10), 'c0', 'n0') <= 3 * small)
  })
})

describe('the NodeConfigs that a change touches in gateway mode', () => {
  const plansOf = (network: LinkNetwork) =>
    new Map(
      [...network.values()].flatMap((cluster) => {
        const pairs = pairsOf(network, cluster)
        return [...cluster.nodes.values()].map((node) => [
          `${cluster.name}/${node.name}`,
          planNode(cluster, node, pairs),
        ])
      }),
    )
  const touched = (change: (node: LinkNode) => LinkNode) => {
    const before = fleet(4, 20)
    const own = before.get('c0')
    const node = own?.nodes.get('n9')
    assert.ok(own && node)
    const after = new Map([...before, ['c0', { ...own, nodes: new Map([...own.nodes, ['n9', change(node)]]) }]])
    const [was, is] = [plansOf(before), plansOf(after)]
    return [...is].flatMap(([name, spec]) => (isDeepStrictEqual(spec, was.get(name)) ? [] : [name])).sort()
  }

  it('are of a node and the gateways of its cluster, when an internal node has another address', () => {
    assert.deepEqual(
      touched((node) => ({ ...node, ip: '192.168.0.99' })),
      ['c0/n0', 'c0/n1', 'c0/n9'],
    )
  })

  it('are none when nothing changes that others have to do with it', () => {
    assert.deepEqual(
      touched((node) => ({ ...node })),
      [],
    )
  })
})
