import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClusterLinkPolicySpec } from '@kosmos/api'
import fc from 'fast-check'
import type { LinkCluster, LinkNetwork } from '../model/network.ts'
import { pairsOf } from './pairs.ts'
import { planNode } from './plan-node.ts'
import { chosenBy, type LinkPolicy, type Subject, strangersOf, unknownNames } from './policies.ts'
import { buildNetwork, type ClusterSketch, networks } from './testing/networks.ts'
import { pairsOfPods } from './testing/pods.ts'
import { Simulation } from './testing/simulate.ts'

const subject = (name: string, labels: Record<string, string> = {}): Subject => ({ name, labels })
const policy = (name: string, spec: ClusterLinkPolicySpec): LinkPolicy => ({ name, spec })

/** Names of the clusters of networks, of which some are not there, and every other one is labelled. */
const names = ['c0', 'c1', 'c2', 'c3']
const labelled = (name: string): Subject => subject(name, { side: ['c0', 'c2'].includes(name) ? 'left' : 'right' })

const selector: fc.Arbitrary<ClusterLinkPolicySpec['clusters']> = fc.oneof(
  fc.subarray(names, { minLength: 1 }).map((some) => ({ names: some })),
  fc.constantFrom('left', 'right').map((side) => ({ labelSelector: { matchLabels: { side } } })),
  fc.constant({}),
)
const policies: fc.Arbitrary<LinkPolicy[]> = fc
  .array(fc.record({ clusters: selector, peers: fc.array(selector, { maxLength: 2 }) }), { maxLength: 3 })
  .map((specs) => specs.map((spec, index) => policy(`p${index}`, spec)))

function withPolicies(network: LinkNetwork, rules: readonly LinkPolicy[]): LinkNetwork {
  const strangers = strangersOf([...network.keys()].map(labelled), rules)
  return new Map(
    [...network].map(([name, cluster]): [string, LinkCluster] => [
      name,
      { ...cluster, strangers: strangers.get(name) ?? new Map() },
    ]),
  )
}

const plansOf = (network: LinkNetwork) =>
  new Map(
    [...network.values()].flatMap((cluster) => {
      const pairs = pairsOf(network, cluster)
      return [...cluster.nodes.values()].map((node): [string, string] => [
        `${cluster.name}/${node.name}`,
        JSON.stringify(planNode(cluster, node, pairs)),
      ])
    }),
  )

describe('clusters under ClusterLinkPolicies', () => {
  it('reach each other if both may, and not at all if one may not', () => {
    fc.assert(
      fc.property(networks, policies, (plain, rules) => {
        const network = withPolicies(plain, rules)
        const simulation = new Simulation(network)
        for (const [from, to] of pairsOfPods(network)) {
          const trip = simulation.send(from.place, from.address, to.global)
          const isForbidden = from.cluster.strangers.has(to.cluster.name)
          assert.equal(isForbidden, to.cluster.strangers.has(from.cluster.name), 'of one mind')
          assert.equal(trip.arrivedAt, isForbidden ? undefined : to.place, `${from.place} → ${to.place}: ${trip.lost}`)
          if (isForbidden) assert.deepEqual(trip.hops, [])
        }
      }),
      { numRuns: 100 },
    )
  })

  it('know nothing of those with whom they may not talk: no tunnel, neighbour, peer or route is for them', () => {
    fc.assert(
      fc.property(networks, policies, (plain, rules) => {
        const network = withPolicies(plain, rules)
        const simulation = new Simulation(network)
        for (const cluster of network.values()) {
          for (const stranger of cluster.strangers.keys()) {
            const others = [...(network.get(stranger)?.nodes.values() ?? [])]
            for (const node of cluster.nodes.keys()) {
              const { fdbs = [], peers = [], ipsecPeers = [] } = simulation.spec(`${cluster.name}/${node}`)
              for (const other of others) {
                assert.ok(fdbs.every(({ ip }) => ip !== other.ip))
                assert.ok(peers.every(({ publicKey }) => publicKey !== other.publicKey))
                assert.ok(ipsecPeers.every(({ publicKey }) => publicKey !== other.ipsecPublicKey))
              }
            }
          }
        }
      }),
      { numRuns: 100 },
    )
  })

  it('do not reach each other through a third one either, even if a node is told to send there', () => {
    let tried = 0
    fc.assert(
      fc.property(networks, policies, (plain, rules) => {
        const network = withPolicies(plain, rules)
        for (const [from, to] of pairsOfPods(network)) {
          if (!from.cluster.strangers.has(to.cluster.name)) continue
          const tamper: ConstructorParameters<typeof Simulation>[2] = (place, spec) => {
            if (place !== from.place) return spec
            const cidr = `${to.global}/${to.family === 4 ? 32 : 128}`
            const hops = (spec.routes ?? []).filter(({ gw }) => gw?.includes(':') === (to.family === 6))
            return { ...spec, routes: [...(spec.routes ?? []), ...hops.map((hop) => ({ ...hop, cidr, metric: 0 }))] }
          }
          const trip = new Simulation(network, [], tamper).send(from.place, from.address, to.global)
          if (trip.hops.length > 0) tried++
          assert.equal(trip.arrivedAt, undefined)
          const crossed = trip.path.map((place) => place.split('/')[0])
          assert.ok(!crossed.includes(to.cluster.name), trip.path.join(' '))
        }
      }),
      { numRuns: 60 },
    )
    assert.ok(tried > 0, 'some packets went as far as a third cluster')
  })

  it('have the plans they had before, where a policy changes nothing about whom they talk with', () => {
    fc.assert(
      fc.property(networks, policies, policies, (plain, before, more) => {
        const [old, next] = [withPolicies(plain, before), withPolicies(plain, [...before, ...more])]
        const [plans, nextPlans] = [plansOf(old), plansOf(next)]
        const strangersIn = (network: LinkNetwork, name: string) => [...(network.get(name)?.strangers.keys() ?? [])]
        for (const [place, plan] of nextPlans) {
          const [cluster = ''] = place.split('/')
          const isTouched = strangersIn(old, cluster).join() !== strangersIn(next, cluster).join()
          if (!isTouched) assert.equal(plan, plans.get(place))
        }
        assert.deepEqual(plansOf(withPolicies(next, [])), plansOf(plain), 'and all of it again without any')
      }),
      { numRuns: 60 },
    )
  })

  it('are told which policies stand in the way, of either side', () => {
    const clusters = ['hub', 'left', 'right'].map((name) => subject(name))
    const spokes = policy('spokes', { clusters: { names: ['left', 'right'] }, peers: [{ names: ['hub'] }] })
    const alone = policy('alone', { clusters: { names: ['right'] }, peers: [] })
    const strangers = strangersOf(clusters, [spokes, alone])
    assert.deepEqual([...(strangers.get('left') ?? [])], [['right', ['alone', 'spokes']]])
    assert.deepEqual([...(strangers.get('hub') ?? [])], [], 'what one policy allows, none takes away')
  })

  it('talk with a peer only if that one may as well', () => {
    const clusters = ['bank', 'shop'].map((name) => subject(name))
    const bank = policy('bank', { clusters: { names: ['bank'] }, peers: [] })
    const shop = policy('shop', { clusters: { names: ['shop'] }, peers: [{ names: ['bank'] }] })
    assert.deepEqual([...(strangersOf(clusters, [bank, shop]).get('shop') ?? [])], [['bank', ['bank']]])
  })

  it('are hidden by nobody with whom the viewer does not talk', () => {
    const sketch: ClusterSketch = {
      networkType: 'p2p',
      tunnel: 'vxlan',
      families: [4],
      nodes: 1,
      gateways: 0,
      overlapping: false,
      prefix: 16,
    }
    const built = new Map(buildNetwork([sketch, sketch, sketch]))
    const [c0, c1] = [built.get('c0'), built.get('c1')]
    assert.ok(c0 && c1)
    built.set('c1', { ...c1, networks: c0.networks, nodes: c0.nodes })
    const apart = withPolicies(built, [policy('apart', { clusters: { names: ['c0'] }, peers: [] })])
    const viewer = apart.get('c2')
    assert.ok(viewer)
    assert.deepEqual(
      pairsOf(apart, viewer).map(({ target, visible }) => [target.name, visible.length]),
      [['c1', 2]],
    )
  })
})

describe('a ClusterLinkPolicy', () => {
  const clusters = [subject('a', { env: 'prod' }), subject('b', { env: 'prod' }), subject('c')]

  it('is for clusters by name, by label or for all, and allows those that one of its peers selects', () => {
    const prod = { labelSelector: { matchLabels: { env: 'prod' } } }
    const one = policy('p', { clusters: prod, peers: [{ names: ['c', 'gone'] }, prod] })
    assert.deepEqual(chosenBy(one, clusters), { clusters: ['a', 'b'], peers: ['a', 'b', 'c'] })
    assert.deepEqual(chosenBy(policy('p', { clusters: {}, peers: [] }), clusters).clusters, ['a', 'b', 'c'])
    assert.deepEqual(unknownNames(one, clusters), ['gone'])
  })
})
