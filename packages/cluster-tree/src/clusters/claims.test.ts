import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node } from '@kosmos/kube'
import { LeafClaims } from './claims.ts'

const cluster = (name: string) => ({ metadata: { name } })
const nodeOf = (name: string, leafId: string) =>
  ({
    metadata: {
      name: `kosmos-${name}`,
      uid: name,
      resourceVersion: '1',
      labels: { 'kosmos.io/node': 'true', 'kosmos.io/cluster': name },
      annotations: { 'kosmos-io/owned-by-cluster': name, 'kosmos.io/leaf-id': leafId },
    },
  }) as Node

const claims = (clusters: string[] = [], virtualNodes: Node[] = []) =>
  new LeafClaims(() => ({ clusters: clusters.map(cluster), virtualNodes }))

describe('a leaf that two Clusters lead to', () => {
  it('is for the first that asks', () => {
    const both = claims(['east', 'west'])
    assert.equal(both.claim('leaf-1', 'east'), undefined)
    assert.equal(both.claim('leaf-1', 'west'), 'east')
    assert.equal(both.claim('leaf-1', 'east'), undefined)
    assert.equal(both.claim('leaf-2', 'west'), undefined)
  })

  it('is for the other when the first gives it up, or turns to another leaf', () => {
    const both = claims(['east', 'west'])
    both.claim('leaf-1', 'east')
    both.release('east')
    assert.equal(both.claim('leaf-1', 'west'), undefined)
    both.claim('leaf-2', 'west')
    assert.equal(both.claim('leaf-1', 'east'), undefined)
  })

  it('stays after a restart with the one that has its virtual node, whoever asks first', () => {
    const restarted = () => claims(['east', 'west'], [nodeOf('west', 'leaf-1')])
    const first = restarted()
    assert.equal(first.claim('leaf-1', 'east'), 'west')
    assert.equal(first.claim('leaf-1', 'west'), undefined)
    const second = restarted()
    assert.equal(second.claim('leaf-1', 'west'), undefined)
    assert.equal(second.claim('leaf-1', 'east'), 'west')
  })

  it('is free when only the virtual node of a Cluster that no longer exists stands for it', () => {
    assert.equal(claims(['east'], [nodeOf('west', 'leaf-1')]).claim('leaf-1', 'east'), undefined)
  })
})
