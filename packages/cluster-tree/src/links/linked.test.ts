import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StoredCluster } from '@kosmos/kube'
import { isLinked } from './linked.ts'

const cluster = (reason: string | undefined, enable = true) =>
  ({
    metadata: { name: 'a' },
    spec: { clusterLinkOptions: { enable } },
    status: { conditions: reason === undefined ? [] : [{ type: 'Linked', reason }] },
  }) as unknown as StoredCluster

describe('whether pods of a cluster are reached from others', () => {
  it('is said by ClusterLink, and no until it has spoken', () => {
    assert.equal(isLinked(undefined), false)
    assert.equal(isLinked(cluster(undefined)), false)
    assert.equal(isLinked(cluster('Connecting')), false)
    assert.equal(isLinked(cluster('Linked')), true)
  })

  it('stays when its API server or one node is away: packets pass without', () => {
    assert.equal(isLinked(cluster('ClusterUnreachable')), true)
    assert.equal(isLinked(cluster('NodesNotReady')), true)
  })

  it('ends when networks overlap, or the cluster is linked no longer', () => {
    assert.equal(isLinked(cluster('NetworksOverlap')), false)
    assert.equal(isLinked(cluster('Linked', false)), false)
  })
})
