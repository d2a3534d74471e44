import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClusterLinkPolicySpec } from '@kosmos/api'
import { buildNetwork, type ClusterSketch } from '../../plan/testing/networks.ts'
import type { StoredLinkPolicy } from '../resources.ts'
import { policyStatus } from './policies.ts'
import { PolicyChanges } from './policy-changes.ts'

const now = '2026-11-29T12:00:00Z'
const statusOf = (spec: ClusterLinkPolicySpec, status?: StoredLinkPolicy['status']) =>
  policyStatus(
    { metadata: { name: 'p', uid: 'p', resourceVersion: '1', generation: 3 }, spec, ...(status && { status }) },
    [{ name: 'paris' }, { name: 'rome', labels: { env: 'prod' } }],
    now,
  )

describe('the status of a ClusterLinkPolicy', () => {
  it('says whom it is for and with whom those may talk', () => {
    const status = statusOf({ clusters: { names: ['paris'] }, peers: [{}] })
    assert.deepEqual([status.clusters, status.peers, status.observedGeneration], [['paris'], ['paris', 'rome'], 3])
    assert.equal(status.conditions?.[0]?.reason, 'AllFound')
  })

  it('names the names that no linked cluster has, wherever they stand', () => {
    const { conditions: [one] = [] } = statusOf({
      clusters: { names: ['pariss'] },
      peers: [{ names: ['oslo', 'rome'] }],
    })
    assert.equal(one?.reason, 'NameUnknown')
    assert.match(one.message, /: oslo, pariss$/)
  })

  it('says that it is for nobody', () => {
    const status = statusOf({ clusters: { labelSelector: { matchLabels: { env: 'test' } } }, peers: [] })
    assert.equal(status.conditions?.[0]?.reason, 'NoneSelected')
  })

  it('stays as it is while nothing changes', () => {
    const spec = { clusters: {}, peers: [] }
    const first = statusOf(spec)
    assert.deepEqual(statusOf(spec, first), first)
  })
})

describe('changes of whom clusters may talk with', () => {
  const sketch: ClusterSketch = {
    networkType: 'p2p',
    tunnel: 'vxlan',
    families: [4],
    nodes: 1,
    gateways: 0,
    overlapping: false,
    prefix: 16,
  }

  it('touch the clusters of the pairs that they are about, both ways, and no others', () => {
    const network = buildNetwork([sketch, sketch, sketch])
    const apart = new Map(
      [...network].map(([name, cluster]) => {
        const stranger = { c0: 'c1', c1: 'c0' }[name]
        return [name, { ...cluster, strangers: new Map(stranger ? [[stranger, ['p']]] : []) }]
      }),
    )
    const changes = new PolicyChanges()
    assert.deepEqual(changes.touched(network), [])
    assert.deepEqual(changes.touched(apart), ['c0', 'c1'])
    assert.deepEqual(changes.touched(apart), [])
    assert.deepEqual(changes.touched(network), ['c0', 'c1'])
  })
})
