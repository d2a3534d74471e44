import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Discovery } from '../../discover/networks.ts'
import { networksFoundCondition } from './networks-found.ts'

const found: Discovery = {
  podCIDRs: ['10.1.0.0/16', 'fd00:1::/56'],
  serviceCIDRs: ['10.96.0.0/16'],
  podsFrom: 'IPPools of Calico',
  servicesFrom: 'ServiceCIDR objects',
  ofNodes: new Map([['n1', ['10.1.7.0/24']]]),
  invalid: [],
  contradictions: [],
  leftOut: [],
}
const say = (discovery: Partial<Discovery>, networkType: 'p2p' | 'gateway', ipFamily: 'all' | 'ipv4' | 'ipv6') =>
  networksFoundCondition({
    options: { networkType, ipFamily },
    observedGeneration: 1,
    discovery: { ...found, ...discovery },
    forbidden: { kinds: [], configMaps: [] },
  })

describe('whether it is known which networks pods have', () => {
  it('is not so in P2P for a family in which no node has any, which is named', () => {
    const { reason, message } = say({}, 'p2p', 'all')
    assert.equal(reason, 'NodesUnknown')
    assert.match(message, /IPv6/)
    assert.equal(say({ ofNodes: new Map() }, 'p2p', 'all').reason, 'NodesUnknown')
  })

  it('is not so where a node has more networks than there is room for, and says how many are left out', () => {
    const { reason, message } = say({ leftOut: ['44 of 300 of node n1'] }, 'gateway', 'all')
    assert.equal(reason, 'NetworksLeftOut')
    assert.match(message, /strictAffinity.*: 44 of 300 of node n1$/)
  })

  it('is so where that family is not linked, or gateways need not know', () => {
    assert.equal(say({}, 'p2p', 'ipv4').reason, 'NetworksFound')
    assert.equal(say({}, 'gateway', 'all').reason, 'NetworksFound')
    const both = new Map([
      ['n1', ['10.1.7.0/24']],
      ['n2', ['fd00:1:0:7::/64']],
    ])
    assert.equal(say({ ofNodes: both }, 'p2p', 'all').reason, 'NetworksFound')
  })
})
