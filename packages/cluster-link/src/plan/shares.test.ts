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
  borrowed: fc.array(fc.tuple(fc.nat(149), fc.nat(149)), { maxLength: 40 }),
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
      for (const { local } of pods) assert.ok(shares.within(local).length <= 1 + MAX_SHARES + 3)
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

  it('are one order for all where Nodes do not say which pods they have, or have many further networks', () => {
    const [cluster, other] = pairOf({ nodes: MAX_SHARES + 1, gateways: 2 })
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
