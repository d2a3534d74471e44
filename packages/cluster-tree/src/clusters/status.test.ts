import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ClusterStatus, clusterCondition } from '@kosmos/api'
import type { StoredCluster } from '@kosmos/kube'
import { type StatusFacts, statusOf } from './status.ts'

const cluster = (status?: Partial<ClusterStatus>, generation = 1) =>
  ({ metadata: { name: 'east', generation }, spec: {}, ...(status && { status }) }) as unknown as StoredCluster

const facts = (parts: Partial<StatusFacts> = {}): StatusFacts => ({
  conditions: [clusterCondition('Reachable', 'LeafReachable', { observedGeneration: 1 })],
  virtualNodes: [{ name: 'kosmos-east', ready: true }],
  version: 'v1.37.2',
  now: '2026-01-01T00:00:00Z',
  ...parts,
})
const written = (status: Partial<ClusterStatus> | undefined) => status ?? assert.fail('nothing would be written')

describe('the status of a Cluster', () => {
  it('is not written again while nothing changes, however late it is', () => {
    const first = written(statusOf(cluster(), facts()))
    assert.equal(statusOf(cluster(first), facts({ now: '2026-01-02T00:00:00Z' })), undefined)
  })

  it('names the virtual nodes that there are', () => {
    const { virtualNodes, clusterTreeStatus } = written(statusOf(cluster(), facts()))
    assert.equal(virtualNodes, 1)
    assert.deepEqual(clusterTreeStatus, { leafNodeItems: [{ leafNodeName: 'kosmos-east' }] })
    assert.equal(written(statusOf(cluster(), facts({ virtualNodes: [] }))).virtualNodes, 0)
  })

  it('keeps the last version known while the leaf cannot be asked', () => {
    const first = written(statusOf(cluster(), facts()))
    assert.equal(statusOf(cluster(first), facts({ version: undefined })), undefined)
    assert.equal(written(statusOf(cluster(first), facts({ version: 'v1.38.0' }))).version, 'v1.38.0')
    assert(!('version' in written(statusOf(cluster(), facts({ version: undefined })))))
  })

  it('says when a condition turned, not when it was looked at', () => {
    const first = written(statusOf(cluster(), facts()))
    const down = clusterCondition('Reachable', 'LeafUnreachable', { observedGeneration: 1 })
    const second = written(statusOf(cluster(first), facts({ conditions: [down], now: '2026-01-02T00:00:00Z' })))
    assert.equal(second.conditions?.[0]?.lastTransitionTime, '2026-01-02T00:00:00Z')
    const still = clusterCondition('Reachable', 'LeafNotReady', { observedGeneration: 1 })
    const third = written(statusOf(cluster(second), facts({ conditions: [still], now: '2026-01-03T00:00:00Z' })))
    assert.equal(third.conditions?.[0]?.lastTransitionTime, '2026-01-02T00:00:00Z')
  })

  it('leaves the conditions and the part of others alone', () => {
    const foreign = {
      type: 'example.com/Checked',
      status: 'True' as const,
      reason: 'Yes',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }
    const clusterLinkStatus = { podCIDRs: ['10.1.0.0/16'] }
    const first = written(statusOf(cluster({ conditions: [foreign], clusterLinkStatus }), facts()))
    assert.deepEqual(first.conditions?.[0], foreign)
    assert(!('clusterLinkStatus' in first))
    assert.equal(statusOf(cluster({ ...first, clusterLinkStatus }), facts()), undefined)
  })

  it('says which generation it is of', () => {
    const first = written(statusOf(cluster(), facts()))
    assert.equal(written(statusOf(cluster(first, 2), facts())).observedGeneration, 2)
  })
})
