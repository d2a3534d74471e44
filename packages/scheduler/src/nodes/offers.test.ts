import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '@kosmos/kube'
import { podLike } from '../pods.fixture.ts'
import { isSameOffer, NodeOffers } from './offers.ts'

const taint = { key: 'kosmos.io/node', value: 'true', effect: 'NoSchedule' }
const node = (name: string, cluster: string, parts: Partial<Pick<Node, 'spec' | 'status'>> = {}): Node => ({
  metadata: { name, uid: name, resourceVersion: '1', labels: { 'kosmos.io/cluster': cluster, disk: name } },
  spec: {},
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
  ...parts,
})

describe('the nodes for a pod', () => {
  const names = (nodes: readonly Node[], spec: Parameters<typeof podLike>[0] = {}) =>
    Object.fromEntries(new NodeOffers(() => nodes).nodesFor(podLike(spec), 'kosmos.io/cluster'))

  it('are those that are Ready and take new pods, by the value of the topology key', () => {
    const nodes = [
      node('a', 'leaf1'),
      node('b', 'leaf1'),
      node('c', 'leaf2', { spec: { unschedulable: true } }),
      node('d', 'leaf3', { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }),
      node('e', 'leaf4', { status: {} }),
    ]
    assert.deepEqual(names(nodes), { leaf1: ['a', 'b'] })
  })

  it('are those whose taints it tolerates, and that its selectors and affinity allow', () => {
    const nodes = [node('a', 'leaf1', { spec: { taints: [taint] } }), node('b', 'leaf2')]
    assert.deepEqual(names(nodes), { leaf2: ['b'] })
    const tolerations = [{ key: 'kosmos.io/node', operator: 'Exists' }]
    assert.deepEqual(names(nodes, { spec: { tolerations } }), { leaf1: ['a'], leaf2: ['b'] })
    assert.deepEqual(names(nodes, { spec: { tolerations, nodeSelector: { disk: 'a' } } }), { leaf1: ['a'] })
    const required = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'NotIn', values: ['a'] }] }] }
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } }
    assert.deepEqual(names(nodes, { spec: { tolerations, affinity } }), { leaf2: ['b'] })
  })

  it('are looked for again only when a node offers something else', () => {
    const nodes = [node('a', 'leaf1')]
    let looks = 0
    const offers = new NodeOffers(() => {
      looks++
      return nodes
    })
    for (let i = 0; i < 3; i++) offers.nodesFor(podLike({ name: `p${i}` }), 'kosmos.io/cluster')
    assert.equal(looks, 1)
    offers.nodesFor(podLike({ spec: { nodeSelector: { disk: 'a' } } }), 'kosmos.io/cluster')
    assert.equal(looks, 2)
    offers.invalidate()
    offers.nodesFor(podLike(), 'kosmos.io/cluster')
    assert.equal(looks, 3)
  })

  it('are told from nodes that take no pods now, and both from a value that no node has', () => {
    const nodes = [node('a', 'leaf1', { spec: { unschedulable: true } })]
    const offers = new NodeOffers(() => nodes)
    const isThere = (...question: [string, string]) => offers.isThere(...question)
    assert.deepEqual([isThere('kosmos.io/cluster', 'leaf1'), isThere('kosmos.io/cluster', 'leaf2')], [true, false])
    assert.equal(isThere('kosmos.io/clutser', 'leaf1'), false)
    nodes.push(node('b', 'leaf2'))
    offers.invalidate()
    assert.equal(isThere('kosmos.io/cluster', 'leaf2'), true)
  })

  it('are remembered for so many pods only, however many ask for something of their own', () => {
    const offers = new NodeOffers(() => [node('a', 'leaf1')])
    for (let i = 0; i < 5_000; i++) offers.allFor(podLike({ spec: { nodeSelector: { run: `${i}` } } }))
    assert(offers.size <= 1_000, `${offers.size}`)
  })
})

describe('a node that changes', () => {
  const before = node('a', 'leaf1')
  it('offers the same after a heartbeat, and when its room changes', () => {
    const heartbeat = { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:00:00Z' }] }
    assert(isSameOffer(before, node('a', 'leaf1', { status: heartbeat as never })))
    assert(
      isSameOffer(before, {
        ...before,
        metadata: { ...before.metadata, annotations: { 'kosmos.io/free-shapes': '[]' } },
      }),
    )
  })

  it('offers something else when it is cordoned, tainted, labelled or lost', () => {
    assert(!isSameOffer(before, node('a', 'leaf1', { spec: { unschedulable: true } })))
    assert(!isSameOffer(before, node('a', 'leaf1', { spec: { taints: [taint] } })))
    assert(!isSameOffer(before, node('a', 'leaf2')))
    assert(!isSameOffer(before, node('a', 'leaf1', { status: {} })))
  })
})
