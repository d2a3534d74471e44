import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Cidr, formatAddress, nthAddress, translate } from '@kosmos/kube/addresses'
import fc from 'fast-check'
import type { LinkCluster, LinkNetwork, LinkNode } from '../model/network.ts'
import { gatewaysFor } from './roles.ts'
import { buildNetwork, networks } from './testing/networks.ts'
import { Simulation } from './testing/simulate.ts'

interface Pod {
  readonly place: string
  readonly cluster: LinkCluster
  readonly family: 4 | 6
  readonly address: string
  /** As other clusters know it. */
  readonly global: string
}

function podOn(cluster: LinkCluster, node: LinkNode, cidr: Cidr): Pod {
  const address = nthAddress(cidr, 5n)
  const network = cluster.networks.find(({ kind, local }) => kind === 'Pod' && local.family === cidr.family)
  assert.ok(network)
  const global = nthAddress(translate(cidr, network.local, network.global), 5n)
  return { place: `${cluster.name}/${node.name}`, cluster, family: cidr.family, address, global }
}

const podsOf = (network: LinkNetwork): Pod[] =>
  [...network.values()].flatMap((cluster) =>
    [...cluster.nodes.values()].flatMap((node) => node.podCIDRs.map((cidr) => podOn(cluster, node, cidr))),
  )

function* pairsOfPods(network: LinkNetwork): Generator<[Pod, Pod]> {
  const pods = podsOf(network)
  for (const from of pods) {
    for (const to of pods) if (from.cluster !== to.cluster && from.family === to.family) yield [from, to]
  }
}

describe('the plan of a network', () => {
  it('lets each pod reach each pod of another cluster, which sees who it is, and the answer takes the same way', () => {
    fc.assert(
      fc.property(networks, (network) => {
        const simulation = new Simulation(network)
        for (const [from, to] of pairsOfPods(network)) {
          const there = simulation.send(from.place, from.address, to.global)
          assert.equal(
            there.arrivedAt,
            to.place,
            `${from.place} → ${to.place}: ${there.lost} (${there.path.join(' ')})`,
          )
          assert.equal(there.source, from.global)
          assert.equal(there.target, to.address)
          const back = simulation.send(to.place, to.address, from.global)
          assert.equal(back.arrivedAt, from.place, `${to.place} → ${from.place}: ${back.lost}`)
          assert.equal(back.source, to.global)
          const edges = (path: readonly string[]) => path.slice(1, -1).join(' ')
          assert.equal(edges([...back.path].reverse()), edges(there.path))
        }
      }),
      { numRuns: 150 },
    )
  })

  it('goes by another gateway when the first of a pair is down', () => {
    fc.assert(
      fc.property(networks, fc.nat(), (network, choice) => {
        const clusters = [...network.values()].filter(
          ({ nodes, networkType }) =>
            networkType === 'gateway' && [...nodes.values()].filter(({ isGateway }) => isGateway).length > 1,
        )
        fc.pre(clusters.length > 0)
        const cluster = clusters[choice % clusters.length]
        const other = [...network.values()].find((one) => one !== cluster)
        assert.ok(cluster && other)
        const down = `${cluster.name}/${gatewaysFor(cluster, other)[0]?.name}`
        const simulation = new Simulation(network, [down])
        for (const [from, to] of pairsOfPods(network)) {
          if (from.place === down || to.place === down) continue
          const there = simulation.send(from.place, from.address, to.global)
          assert.equal(there.arrivedAt, to.place, `${from.place} → ${to.place}: ${there.lost}`)
        }
      }),
      { numRuns: 80 },
    )
  })

  it('sends nothing to pods that do not exist, and never in a circle', () => {
    fc.assert(
      fc.property(networks, fc.integer({ min: 0, max: 2 ** 32 - 1 }), (network, address) => {
        const simulation = new Simulation(network)
        for (const { place, address: source } of podsOf(network)) {
          const trip = simulation.send(place, source, formatAddress(4, BigInt(address)))
          assert.notEqual(trip.lost, 'it goes around')
        }
      }),
      { numRuns: 80 },
    )
  })

  it('hides a network that two clusters have and nobody mapped, instead of sending to the wrong one', () => {
    const [one, two, three] = [0, 1, 2].map(() => ({
      networkType: 'p2p' as const,
      tunnel: 'vxlan' as const,
      families: [4 as const],
      nodes: 1,
      gateways: 0,
      overlapping: false,
      prefix: 16,
    }))
    assert.ok(one && two && three)
    const network = new Map(buildNetwork([one, two, three]))
    const [c0, c1] = [network.get('c0'), network.get('c1')]
    assert.ok(c0 && c1)
    network.set('c1', { ...c1, networks: c0.networks })
    const simulation = new Simulation(network)
    const target = nthAddress([...c0.nodes.values()][0]?.podCIDRs[0] as Cidr, 5n)
    assert.equal(simulation.send('c2/n0', '10.102.0.5', target).arrivedAt, 'c0/n0')
    const routes = simulation.spec('c2/n0').routes ?? []
    assert.equal(routes.filter(({ cidr }) => cidr === '10.100.0.0/26').length, 1)
  })
})
