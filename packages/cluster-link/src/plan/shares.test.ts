import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contains } from '@kosmos/kube/addresses'
import fc from 'fast-check'
import type { LinkCluster, LinkNode } from '../model/network.ts'
import { MAX_SHARES, Shares } from './shares.ts'
import { buildNetwork, type ClusterSketch } from './testing/networks.ts'

const sketch: ClusterSketch = {
  networkType: 'gateway',
  tunnel: 'vxlan',
  families: [4, 6],
  nodes: 60,
  gateways: 3,
  overlapping: false,
  prefix: 16,
}

/** Two clusters of which the first one has so many nodes; names of nodes and clusters matter for orders. */
function pairOf(parts: Partial<ClusterSketch>): [LinkCluster, LinkCluster] {
  return [
    ...buildNetwork([
      { ...sketch, ...parts },
      { ...sketch, nodes: 1 },
    ]).values(),
  ] as [LinkCluster, LinkCluster]
}

const sketches = fc.record({
  nodes: fc.integer({ min: 1, max: 150 }),
  gateways: fc.integer({ min: 1, max: 5 }),
  borrowed: fc.array(fc.tuple(fc.nat(149), fc.nat(149)), { maxLength: 90 }),
})
const names = (nodes: readonly LinkNode[]) => nodes.map(({ name }) => name)
const innerNodes = ({ nodes }: LinkCluster) => [...nodes.values()].filter(({ isGateway }) => !isGateway)
const without = (cluster: LinkCluster, gone: string): LinkCluster => ({
  ...cluster,
  nodes: new Map(
    [...cluster.nodes].map(([name, node]) => [name, name === gone ? { ...node, isGateway: false } : node]),
  ),
})

describe('the gateways of a pair of clusters', () => {
  it('are those by which a node sends, for who sends to its pods', () => {
    fc.assert(
      fc.property(sketches, (parts) => {
        const [cluster, other] = pairOf(parts)
        const shares = new Shares(cluster, other)
        const seen = cluster.networks.filter(({ kind }) => kind === 'Pod').flatMap(({ local }) => shares.within(local))
        for (const node of cluster.nodes.values()) {
          for (const cidr of node.podCIDRs) {
            const longest = seen
              .filter((one) => contains(one.cidr, cidr))
              .sort((a, b) => b.cidr.prefix - a.cidr.prefix)[0]
            assert.deepEqual(names(longest?.gateways ?? []), names(shares.ofNode(node, cidr.family)))
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('are all at work, each for about as many nodes', () => {
    const [cluster, other] = pairOf({ nodes: 63 })
    const firsts = Array.from({ length: 40 }, (_, index) => {
      const shares = new Shares(cluster, { ...other, name: `other-${index}` })
      return innerNodes(cluster).map((node) => shares.ofNode(node, 4)[0]?.name)
    })
    for (const ofPair of firsts) assert.equal(new Set(ofPair).size, 3)
    for (const count of Map.groupBy(firsts.flat(), (name) => name).values()) {
      assert.ok(Math.abs(count.length - (40 * 60) / 3) < (40 * 60) / 3 / 10, `${count.length} of ${40 * 60}`)
    }
  })

  it('leave what the others carry where it is when one of them goes', () => {
    fc.assert(
      fc.property(sketches, fc.nat(), (parts, choice) => {
        fc.pre(parts.gateways > 1 && parts.nodes >= parts.gateways)
        const [cluster, other] = pairOf(parts)
        const gone = `n${choice % parts.gateways}`
        const [before, after] = [cluster, without(cluster, gone)].map((one) => new Shares(one, other))
        for (const node of innerNodes(cluster)) {
          for (const family of [4, 6] as const) {
            const left = names(before?.ofNode(node, family) ?? []).filter((name) => name !== gone)
            assert.deepEqual(names(after?.ofNode(node, family) ?? []), left)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it('take no more routes than a few, however many nodes there are', () => {
    for (const nodes of [10, 40, 240]) {
      const [cluster, other] = pairOf({ nodes })
      const shares = new Shares(cluster, other)
      const pods = cluster.networks.filter(({ kind }) => kind === 'Pod')
      for (const { local } of pods) {
        const [whole, ...parts] = shares.within(local)
        assert.ok(parts.length <= MAX_SHARES + 3)
        assert.ok(
          parts.every(({ gateways }) => gateways !== whole?.gateways),
          'what goes as the whole needs no route',
        )
      }
    }
  })

  it('share as before when a node has an address of another one', () => {
    const borrowed = Array.from({ length: MAX_SHARES }, (_, n) => [3 + n, 4 + n] as const)
    const [before, after] = [[], borrowed].map((some) => {
      const [cluster, other] = pairOf({ borrowed: some })
      const shares = new Shares(cluster, other)
      return innerNodes(cluster).map((node) => names(shares.ofNode(node, 4)))
    })
    assert.ok(new Set(before?.map(([first]) => first)).size > 1)
    assert.deepEqual(after, before)
  })

  it('follow from the network alone, in whichever order its nodes and their further networks are heard of', () => {
    fc.assert(
      fc.property(sketches, fc.nat(), (parts, seed) => {
        const [cluster, other] = pairOf(parts)
        const shuffled = <T>(all: readonly T[]) => all.map((_, index) => all[(index * 7919 + seed) % all.length] as T)
        fc.pre(cluster.nodes.size % 7919 !== 0)
        const again: LinkCluster = {
          ...cluster,
          nodes: new Map(
            shuffled([...cluster.nodes]).map(([name, node]) => {
              const [own, further] = [node.podCIDRs.slice(0, 2), node.podCIDRs.slice(2)]
              return [name, { ...node, podCIDRs: [...own, ...further.reverse()] }]
            }),
          ),
        }
        const [before, after] = [cluster, again].map((one) => new Shares(one, other))
        for (const node of cluster.nodes.values()) {
          for (const cidr of node.podCIDRs)
            assert.deepEqual(names(after?.of(cidr) ?? []), names(before?.of(cidr) ?? []))
          for (const family of [4, 6] as const)
            assert.deepEqual(
              names(after?.ofNode(again.nodes.get(node.name) ?? node, family) ?? []),
              names(before?.ofNode(node, family) ?? []),
            )
        }
      }),
      { numRuns: 60 },
    )
  })

  it('go on sharing when further networks become too many, and about half of the nodes go as before, whichever is one more', () => {
    let before: readonly string[] | undefined
    for (let count = 0; count < 2 * MAX_SHARES; count++) {
      const borrowed = Array.from({ length: count }, (_, n) => [3 + ((n * 7) % 57), 3 + (n % 57)] as const)
      const [cluster, other] = pairOf({ borrowed })
      const shares = new Shares(cluster, other)
      const pods = cluster.networks.filter(({ kind }) => kind === 'Pod')
      for (const { local } of pods) assert.ok(shares.within(local).length <= 1 + 2 * MAX_SHARES + 3)
      const orders = innerNodes(cluster).map((node) => names(shares.ofNode(node, 4)).join())
      assert.ok(
        new Set(orders.map((order) => order.split(',')[0])).size > 1,
        `one gateway has all of the work at ${count}`,
      )
      const same = orders.filter((order, index) => before === undefined || order === before[index]).length
      assert.ok(same >= orders.length * 0.45, `${same} of ${orders.length} go as before at ${count}`)
      before = orders
    }
  })

  it('go on sharing however many addresses nodes have from the networks of gateways', () => {
    const borrowed = Array.from({ length: 2 * MAX_SHARES }, (_, n) => [n % 3, 3 + (n % 57)] as const)
    const [cluster, other] = pairOf({ borrowed })
    const shares = new Shares(cluster, other)
    assert.ok(new Set(innerNodes(cluster).map((node) => shares.ofNode(node, 4)[0]?.name)).size > 1)
  })

  it('are one order for all where Nodes do not say which pods they have, or have many further networks apart from the first', () => {
    const [cluster, other] = pairOf({ nodes: MAX_SHARES + 3, gateways: 2 })
    const changed = (podCIDRs: (node: LinkNode) => LinkNode['podCIDRs']): LinkCluster => ({
      ...cluster,
      nodes: new Map([...cluster.nodes].map(([name, node]) => [name, { ...node, podCIDRs: podCIDRs(node) }])),
    })
    const [unknown, several] = [
      changed(() => []),
      changed(({ podCIDRs }) => podCIDRs.flatMap((cidr) => [cidr, { ...cidr, base: cidr.base + 4096n }])),
    ]
    for (const one of [unknown, several]) {
      const shares = new Shares(one, other)
      for (const node of innerNodes(one)) assert.deepEqual(shares.ofNode(node, 4), shares.rest)
    }
  })
})
