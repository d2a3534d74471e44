import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultCluster } from '@kosmos/api'
import type { StoredClusterNode } from '../resources.ts'
import { type LinkedFacts, linkedCondition } from './linked.ts'

const { clusterLinkOptions: options } = defaultCluster({ spec: { clusterLinkOptions: { enable: true } } }).spec
assert.ok(options)

const node = (nodeName: string, reason?: string): StoredClusterNode =>
  ({
    spec: { clusterName: 'paris', nodeName },
    status: {
      conditions: reason
        ? [{ type: 'Applied', status: 'False', reason, message: '', lastTransitionTime: at }]
        : [{ status: 'True' }],
    },
  }) as StoredClusterNode
const at = '2026-11-29T12:00:00Z'
const said = (facts: Partial<LinkedFacts>) => {
  const fine = {
    cluster: 'paris',
    options,
    observedGeneration: 1,
    nodes: [node('n1')],
    overlaps: [],
    taken: [],
    sharedKeys: [],
  }
  return linkedCondition({ ...fine, member: { kind: 'ready' }, podCIDRs: ['10.1.0.0/16'], ...facts })
}

describe('the condition Linked', () => {
  it('is True when nothing is in the way', () => {
    assert.equal(said({}).reason, 'Linked')
  })

  it('names the Cluster that stands for the same cluster already', () => {
    const { reason, message } = said({ twin: 'paris-before' })
    assert.equal(reason, 'ClusterLinkedTwice')
    assert.match(message, /: paris-before$/)
  })

  it('names the family that is asked for, and the networks that are of another one', () => {
    const { reason, message } = said({ options: { ...options, ipFamily: 'ipv6' } })
    assert.equal(reason, 'FamilyMissing')
    assert.match(message, /ipFamily is ipv6, pods are in 10\.1\.0\.0\/16$/)
    assert.equal(said({ options: { ...options, ipFamily: 'ipv4' } }).reason, 'Linked')
  })

  it('names the network of tunnels that is one of pods as well, and whose both are', () => {
    const one = { cluster: 'rome', cidr: '220.0.0.0/8', otherCluster: 'paris', otherCidr: '220.1.0.0/16' }
    const { reason, message } = said({ taken: [one] })
    assert.equal(reason, 'TunnelNetworksTaken')
    assert.match(message, /: 220\.0\.0\.0\/8 of the tunnels of rome and 220\.1\.0\.0\/16 of paris$/)
    assert.equal(said({ taken: [{ ...one, otherCluster: 'oslo' }] }).reason, 'Linked')
  })

  it('names both nodes that have the same key, of whichever clusters they are', () => {
    const one = { cluster: 'oslo', node: 'o1', otherCluster: 'paris', otherNode: 'n1' }
    const { status, reason, message } = said({ sharedKeys: [one], nodes: [node('n1', 'SomeUnreachable')] })
    assert.deepEqual([status, reason], ['False', 'KeysShared'])
    assert.match(message, /: o1 of oslo and n1 of paris$/)
    assert.equal(said({ sharedKeys: [{ ...one, otherCluster: 'rome' }] }).reason, 'Linked')
  })

  it('is Unknown when nothing is wrong but that agents are silent', () => {
    const { status, reason, message } = said({ nodes: [node('n1', 'AgentSilent'), node('n2')] })
    assert.deepEqual([status, reason], ['Unknown', 'AgentsSilent'])
    assert.match(message, /: n1$/)
    assert.equal(said({ nodes: [node('n1', 'AgentSilent'), node('n2', 'ApplyFailed')] }).reason, 'NodesNotReady')
  })

  it('names nodes that have not found their interface, or no family', () => {
    const { message } = said({ nodes: [node('n1', 'InterfaceNotFound'), node('n2', 'FamilyDisabled'), node('n3')] })
    assert.match(message, /: n1: InterfaceNotFound, n2: FamilyDisabled$/)
  })
})
