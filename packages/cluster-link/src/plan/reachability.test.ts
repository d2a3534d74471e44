import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Cidr, formatAddress, nthAddress } from '@kosmos/kube/addresses'
import fc from 'fast-check'
import type { Trip } from './forward.ts'
import { gatewaysFor, gatewaysOf } from './roles.ts'
import { buildNetwork, networks } from './testing/networks.ts'
import { pairsOfPods, podsOf } from './testing/pods.ts'
import { Simulation } from './testing/simulate.ts'

type Place = ReturnType<typeof podsOf>[number]

/** At the pod that it was sent to, which sees who has sent it. */
function assertArrived(trip: Trip, from: Place, to: Place): void {
  assert.equal(trip.arrivedAt, to.place, `${from.place} → ${to.place}: ${trip.lost} (${trip.path.join(' ')})`)
  assert.equal(trip.source, from.global)
}

describe('the plan of a network', () => {
  it('lets each pod reach each pod of another cluster, which sees who it is, and the answer takes the same way', () => {
    fc.assert(
      fc.property(networks, (network) => {
        const simulation = new Simulation(network)
        for (const [from, to] of pairsOfPods(network)) {
          const there = simulation.send(from.place, from.address, to.global)
          assertArrived(there, from, to)
          assert.equal(there.target, to.address)
          // The last part of the way is a tunnel too: the network between the nodes of a cluster knows its own pods only.
          assert.equal(there.hops.at(-1)?.to, to.place)
          const back = simulation.send(to.place, to.address, from.global)
          assert.equal(back.arrivedAt, from.place, `${to.place} → ${from.place}: ${back.lost}`)
          assert.equal(back.source, to.global)
          assert.deepEqual([...back.path].reverse(), there.path)
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
          const back = simulation.send(to.place, to.address, from.global)
          assert.deepEqual([...back.path].reverse(), there.path)
        }
      }),
      { numRuns: 80 },
    )
  })

  it('goes on by another gateway of the same cluster where one is cut off from all others', () => {
    fc.assert(
      fc.property(networks, fc.nat(), (network, choice) => {
        const gateways = [...network.values()].flatMap((cluster) => {
          const own = gatewaysOf(cluster).map(({ name }) => `${cluster.name}/${name}`)
          return cluster.networkType === 'gateway' && own.length > 1 ? own : []
        })
        fc.pre(gateways.length > 0)
        const cutOff = gateways[choice % gateways.length] ?? ''
        const inside = `${cutOff.split('/')[0]}/`
        const isCut = (from: string, to: string) =>
          [from, to].includes(cutOff) && !(from.startsWith(inside) && to.startsWith(inside))
        const simulation = new Simulation(network, [], undefined, isCut)
        for (const [from, to] of pairsOfPods(network)) {
          const there = simulation.send(from.place, from.address, to.global)
          assertArrived(there, from, to)
        }
      }),
      { numRuns: 80 },
    )
  })

  it('arrives from pods and from nodes if one gateway reaches the other cluster at all, and passes none without need', () => {
    fc.assert(
      fc.property(networks, fc.nat(), fc.infiniteStream(fc.boolean()), (network, choice, coins) => {
        const clusters = [...network.values()].filter(({ networkType }) => networkType === 'gateway')
        fc.pre(clusters.length > 0)
        const cluster = clusters[choice % clusters.length]
        assert.ok(cluster)
        const gateways = gatewaysOf(cluster).map(({ name }) => `${cluster.name}/${name}`)
        const cutOff = new Set(gateways.filter(() => coins.next().value))
        const isInside = (place: string) => place.startsWith(`${cluster.name}/`)
        const simulation = new Simulation(
          network,
          [],
          undefined,
          (from, to) => isInside(from) !== isInside(to) && (cutOff.has(from) || cutOff.has(to)),
        )
        for (const [from, to] of pairsOfPods(network)) {
          if (from.cluster !== cluster && to.cluster !== cluster) continue
          for (const source of [from.address, undefined]) {
            const trip = simulation.send(from.place, source, to.global)
            const what = `${from.place} → ${to.place}: ${trip.lost} (${trip.path.join(' ')})`
            assert.equal(trip.arrivedAt, cutOff.size < gateways.length ? to.place : undefined, what)
            // What the first gateway gives away comes by it again at most once.
            const first = trip.path.find((place) => simulation.spec(place).detours !== undefined)
            for (const [place, { length }] of Map.groupBy(trip.path, (passed) => passed)) {
              assert.ok(length <= (place === first ? 2 : 1), what)
            }
          }
        }
      }),
      { numRuns: 150 },
    )
  })

  it('arrives when nothing but the questions of gateways to other clusters is lost', () => {
    fc.assert(
      fc.property(networks, fc.infiniteStream(fc.boolean()), (network, coins) => {
        const clusterOf = (place: string) => place.split('/')[0]
        const deaf = new Set(podsOf(network).flatMap(({ place }) => (coins.next().value ? [place] : [])))
        const simulation = new Simulation(
          network,
          [],
          undefined,
          undefined,
          (from, to) => clusterOf(from) !== clusterOf(to) && deaf.has(to),
        )
        for (const [from, to] of pairsOfPods(network)) {
          assertArrived(simulation.send(from.place, from.address, to.global), from, to)
          assert.equal(simulation.send(from.place, undefined, to.global).arrivedAt, to.place)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('loses nothing while a gateway leaves, whichever nodes have heard of it', () => {
    fc.assert(
      fc.property(networks, fc.nat(), fc.infiniteStream(fc.boolean()), (network, choice, coins) => {
        const gateways = [...network.values()].flatMap(({ name, nodes }) => {
          const some = [...nodes.values()].filter(({ isGateway }) => isGateway)
          return some.length > 1 ? some.map((node) => ({ name, node })) : []
        })
        fc.pre(gateways.length > 0)
        const leaving = gateways[choice % gateways.length]
        const cluster = network.get(leaving?.name ?? '')
        assert.ok(leaving && cluster)
        const nodes = new Map(cluster.nodes).set(leaving.node.name, { ...leaving.node, isStandby: true })
        const [before, after] = [network, new Map(network).set(cluster.name, { ...cluster, nodes })].map(
          (one) => new Simulation(one),
        )
        assert.ok(before && after)
        const pods = podsOf(network)
        for (const { place } of pods) if (coins.next().value) before.adopt(place, after.spec(place))
        const at = `${cluster.name}/${leaving.node.name}`
        for (const [from, to] of pairsOfPods(network)) {
          assert.equal(before.send(from.place, from.address, to.global).arrivedAt, to.place)
          const trip: Trip = after.send(from.place, from.address, to.global)
          if (from.place !== at && to.place !== at) assert.ok(!trip.path.includes(at), trip.path.join(' '))
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
