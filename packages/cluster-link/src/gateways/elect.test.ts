import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { linkGatewayLabel } from '@kosmos/api'
import type { Node } from '@kosmos/kube'
import { electGateways, type Gateways } from './elect.ts'

type Condition = 'cordoned' | 'not ready'

const node = (name: string, condition?: Condition, isLabelled = false): Node =>
  ({
    metadata: { name, ...(isLabelled && { labels: { [linkGatewayLabel]: 'true' } }) },
    spec: condition === 'cordoned' ? { unschedulable: true } : {},
    status: { conditions: [{ type: 'Ready', status: condition === 'not ready' ? 'False' : 'True' }] },
  }) as unknown as Node
const labelled = (name: string, condition?: Condition) => node(name, condition, true)
const cluster = { name: 'berlin', networkType: 'gateway' } as const
const gateways = (active: string[], standby: string[] = []): Gateways => ({
  active: new Set(active),
  standby: new Set(standby),
})
const nobody = gateways([])

describe('the gateways of a cluster', () => {
  it('are those that its owner labelled', () => {
    const nodes = [labelled('a'), node('b'), labelled('c')]
    assert.deepEqual(electGateways(cluster, nodes, nobody), gateways(['a', 'c']))
    assert.deepEqual(electGateways({ ...cluster, networkType: 'p2p' }, nodes, nobody), gateways(['a', 'c']))
  })

  it('are two if nobody is labelled, and none in P2P mode', () => {
    const nodes = ['a', 'b', 'c', 'd'].map((name) => node(name))
    const found = electGateways(cluster, nodes, nobody)
    assert.deepEqual([found.active.size, found.standby.size], [2, 0])
    assert.deepEqual(electGateways(cluster, nodes.toReversed(), nobody), found)
    assert.deepEqual(electGateways({ ...cluster, networkType: 'p2p' }, nodes, nobody), nobody)
  })

  for (const condition of ['cordoned', 'not ready'] as const) {
    it(`stand by when they are ${condition}, and another one is chosen if nobody is labelled`, () => {
      const some = [labelled('a', condition), labelled('b')]
      assert.deepEqual(electGateways(cluster, some, gateways(['a', 'b'])), gateways(['b'], ['a']))
      const all = [node('a', condition), node('b'), node('c')]
      assert.deepEqual(electGateways(cluster, all, gateways(['a', 'b'])), gateways(['b', 'c'], ['a']))
    })

    it(`work all the same when all are ${condition}`, () => {
      const some = [labelled('a', condition), labelled('b', condition), node('c')]
      assert.deepEqual(electGateways(cluster, some, nobody), gateways(['a', 'b']))
      const all = [node('a', condition), node('b', condition)]
      assert.deepEqual(electGateways(cluster, all, gateways(['b'], ['a'])), gateways(['a', 'b']))
    })
  }

  it('stay the same when one that stood by is back', () => {
    const nodes = ['a', 'b', 'c'].map((name) => node(name))
    assert.deepEqual(electGateways(cluster, nodes, gateways(['b', 'c'], ['a'])), gateways(['b', 'c']))
  })

  it('are forgotten when their nodes are gone', () => {
    assert.deepEqual(electGateways(cluster, [node('b'), node('c')], gateways(['b', 'c'], ['a'])), gateways(['b', 'c']))
  })

  it('stand by when their agents are silent, unless all are: that is more likely our view', () => {
    const some = [labelled('a'), labelled('b'), node('c')]
    const both = gateways(['a', 'b'])
    assert.deepEqual(electGateways(cluster, some, both, new Set(['a'])), gateways(['b'], ['a']))
    assert.deepEqual(electGateways(cluster, some, gateways(['b'], ['a'])), both)
    assert.deepEqual(electGateways(cluster, some, both, new Set(['a', 'b'])), both)
    assert.deepEqual(electGateways(cluster, some, both, new Set(['a', 'b', 'c'])), both)
    const unlabelled = ['a', 'b', 'c'].map((name) => node(name))
    assert.deepEqual(electGateways(cluster, unlabelled, both, new Set(['b'])), gateways(['a', 'c'], ['b']))
  })
})
