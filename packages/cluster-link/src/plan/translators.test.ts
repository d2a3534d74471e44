import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NodeConfigSpec } from '@kosmos/api'
import fc from 'fast-check'
import { isLocal } from '../model/detours.ts'
import type { LinkNetwork } from '../model/network.ts'
import { pairsOf } from './pairs.ts'
import { planNode } from './plan-node.ts'
import { buildNetwork, networks } from './testing/networks.ts'
import { pairsOfPods } from './testing/pods.ts'
import { Simulation } from './testing/simulate.ts'
import { type Told, translatedByGateways } from './translators.ts'

type Age = 'old' | 'new'
type Plans = ReadonlyMap<string, NodeConfigSpec>

const saidBy = (age: Age): NonNullable<Told['status']> => ({
  conditions: [],
  ...(age === 'new' && { abilities: ['NodeTranslations'] }),
})

/** What all nodes are to be told, after what they were told before. Places are written as `cluster/node`. */
function planned(network: LinkNetwork, before: Plans, ageOf: (place: string) => Age | undefined): Plans {
  const plans = new Map<string, NodeConfigSpec>()
  for (const cluster of network.values()) {
    const told = (node: string): Told | undefined => {
      const place = `${cluster.name}/${node}`
      const [spec, age] = [before.get(place), ageOf(place)]
      return spec && { spec, status: age && saidBy(age) }
    }
    const byGateways = translatedByGateways(cluster, told)
    const pairs = pairsOf(network, cluster)
    for (const node of cluster.nodes.values())
      plans.set(`${cluster.name}/${node.name}`, planNode(cluster, node, pairs, byGateways))
  }
  return plans
}

/** What a version before did: it did not know what is left to nodes, and gateways translated what they carried inwards. */
function asOldAgentsDo({ nodeTranslations: _, ...spec }: NodeConfigSpec): NodeConfigSpec {
  const routes = spec.inwardRoutes ? spec.routes?.filter(({ dev, gw }) => !isLocal(dev) || !gw) : spec.routes
  return { ...spec, ...(routes && { routes }) }
}

/** What an earlier version planned. */
const plannedBefore = (network: LinkNetwork): Plans => {
  const specs = planned(network, new Map(), () => undefined)
  return new Map([...specs].map(([place, spec]) => [place, asOldAgentsDo(spec)]))
}

/** The addresses of each packet in the last tunnel, where the node of the pod tracks its connection. */
function arrivals(network: LinkNetwork, has: (place: string) => NodeConfigSpec): string[] {
  const simulation = new Simulation(network)
  for (const place of placesOf(network)) simulation.adopt(place, has(place))
  return [...pairsOfPods(network)].map(([from, to]) => {
    const trip = simulation.send(from.place, from.address, to.global)
    assert.equal(trip.arrivedAt, to.place, `${from.place} → ${to.place}: ${trip.lost} (${trip.path.join(' ')})`)
    assert.equal(trip.source, from.global)
    assert.equal(trip.target, to.address)
    const last = trip.hops.at(-1)
    return `${from.place} ${last?.source} → ${to.place} ${last?.target}`
  })
}

const placesOf = (network: LinkNetwork): string[] =>
  [...network.values()].flatMap(({ name, nodes }) => [...nodes.keys()].map((node) => `${name}/${node}`))

const translating = (plans: Plans): string[] =>
  [...plans].flatMap(([place, { nodeTranslations = [] }]) => (nodeTranslations.length > 0 ? [place] : []))

const [gateway] = [
  {
    networkType: 'gateway' as const,
    tunnel: 'vxlan' as const,
    families: [4 as const],
    nodes: 2,
    gateways: 1,
    overlapping: true,
    prefix: 16,
  },
]

describe('who translates pods behind gateways', () => {
  it('stays the same during an upgrade, in whichever order agents come and plans arrive, and no packet is lost', () => {
    fc.assert(
      fc.property(networks, fc.infiniteStream(fc.nat()), (network, choices) => {
        const choose = <T>(items: readonly T[]) => items[choices.next().value % items.length] as T
        const places = placesOf(network)
        const ages = new Map<string, Age>(places.map((place) => [place, 'old']))
        let plans = plannedBefore(network)
        const has = new Map(plans)
        const kernelOf = (place: string) => {
          const spec = has.get(place) ?? { nodeName: '' }
          return ages.get(place) === 'old' ? asOldAgentsDo(spec) : spec
        }
        const before = arrivals(network, kernelOf)
        for (let left = places; left.length > 0; ) {
          const upgraded = choose(left)
          left = left.filter((place) => place !== upgraded)
          ages.set(upgraded, 'new')
          if (choose([true, false])) plans = planned(network, plans, (place) => ages.get(place))
          for (const place of places) if (choose([true, false])) has.set(place, plans.get(place) ?? { nodeName: '' })
          assert.deepEqual(arrivals(network, kernelOf), before)
        }
        for (let round = 0; round < 2; round++) plans = planned(network, plans, (place) => ages.get(place))
        for (const [place, spec] of plans) has.set(place, spec)
        assert.deepEqual(arrivals(network, kernelOf), before)
      }),
      { numRuns: 20 },
    )
  })

  it('is the node itself where all agents can, also of a network that is new', () => {
    const network = buildNetwork([gateway, gateway])
    const first = planned(network, new Map(), () => undefined)
    assert.deepEqual(translating(first), ['c0/n0', 'c0/n1', 'c1/n0', 'c1/n1'])
    const again = planned(network, first, () => 'new')
    assert.deepEqual(again, first)
    const silent = planned(network, first, () => undefined)
    assert.deepEqual(silent, first, 'an agent that has said nothing yet is as new as this')
    const upgraded = new Map([...plannedBefore(network)].filter(([place]) => place !== 'c0/n1'))
    for (const [place, spec] of upgraded) {
      const inwardRoutes = spec.inwardRoutes?.filter(() => place.startsWith('c1/'))
      upgraded.set(place, { ...spec, ...(inwardRoutes && { inwardRoutes }) })
    }
    assert.deepEqual(translating(planned(network, upgraded, () => 'new')), ['c0/n0', 'c0/n1', 'c1/n0'])
  })

  it('is the node itself after its pods got other addresses outside', () => {
    const network = buildNetwork([gateway, gateway])
    const mapped = new Map(
      [...network].map(([name, cluster]) => {
        const other = (seen: (typeof cluster.networks)[number]) => ({
          ...seen,
          global: { ...seen.global, base: seen.global.base + (1n << 20n) },
        })
        return [name, { ...cluster, networks: cluster.networks.map(other) }]
      }),
    )
    assert.equal(translating(planned(mapped, plannedBefore(network), () => 'new')).length, 4)
  })

  it('is the gateway while one agent of the cluster cannot leave it to others', () => {
    const network = buildNetwork([gateway, gateway])
    const plans = planned(network, new Map(), (place) => (place === 'c0/n1' ? 'old' : 'new'))
    assert.deepEqual(translating(plans).length, 4, 'who was told nothing has said nothing')
    const told = planned(network, plans, (place) => (place === 'c0/n1' ? 'old' : 'new'))
    assert.deepEqual(translating(told), ['c1/n0', 'c1/n1'])
  })

  it('is no gateway where nodes reach each other themselves, or networks are seen as they are, whatever agents can', () => {
    const asTheyAre = { ...gateway, overlapping: false }
    const network = buildNetwork([gateway, { ...gateway, networkType: 'p2p', gateways: 0 }, asTheyAre])
    const told = (place: string): Told => ({ spec: { nodeName: place }, status: saidBy('old') })
    const translated = [...network.values()].map((cluster) => translatedByGateways(cluster, told).size)
    assert.deepEqual(translated, [2, 0, 0])
  })
})
