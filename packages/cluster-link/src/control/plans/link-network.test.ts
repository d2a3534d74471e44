import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClusterNode } from '@kosmos/api'
import type { StoredCluster } from '@kosmos/kube'
import { formatCidr } from '@kosmos/kube/addresses'
import { linkCluster } from './link-network.ts'

const cluster = (options: object, given: Readonly<Record<string, string>> = {}) =>
  ({
    metadata: { name: 'a' },
    spec: {
      clusterLinkOptions: {
        enable: true,
        networkType: 'p2p',
        ipFamily: 'all',
        bridgeCIDRs: { ip: '220.0.0.0/8', ip6: '9470::/16' },
        localCIDRs: { ip: '210.0.0.0/8', ip6: '9480::/16' },
        ...options,
      },
    },
    status: {
      clusterLinkStatus: { podCIDRs: ['10.1.0.0/16'], serviceCIDRs: ['10.96.0.0/12'], globalCIDRs: given },
    },
  }) as unknown as StoredCluster

describe('how others see the networks of a cluster', () => {
  const globals = (...args: Parameters<typeof cluster>) =>
    linkCluster(cluster(...args), [])?.networks.map(({ global }) => formatCidr(global))

  it('is as was said by hand, whatever was given before', () => {
    const globalCIDRsMap = { '10.0.0.0/8': '100.0.0.0/8' }
    assert.deepEqual(globals({ globalCIDRsMap }, { '10.1.0.0/16': '242.0.0.0/16' }), ['100.1.0.0/16', '100.96.0.0/12'])
    assert.deepEqual(globals({}, { '10.1.0.0/16': '242.0.0.0/16' }), ['242.0.0.0/16', '10.96.0.0/12'])
  })

  it('is as the narrowest says of what was said by hand', () => {
    const globalCIDRsMap = { '10.0.0.0/8': '100.0.0.0/8', '10.1.0.0/16': '101.7.0.0/16' }
    assert.deepEqual(globals({ globalCIDRsMap }), ['101.7.0.0/16', '100.96.0.0/12'])
  })
})

describe('the nodes of a cluster', () => {
  const node = (nodeName: string, tunnelID: number) =>
    ({ metadata: { name: nodeName }, spec: { clusterName: 'a', nodeName, tunnelID } }) as ClusterNode
  const nodesOf = (options: object) => [
    ...(linkCluster(cluster(options), [node('n1', 7), node('n2', 70_000)])?.nodes.keys() ?? []),
  ]

  it('are left out as long as their number has no address in the networks of tunnels', () => {
    assert.deepEqual(nodesOf({}), ['n1', 'n2'])
    assert.deepEqual(nodesOf({ bridgeCIDRs: { ip: '220.1.0.0/16', ip6: '9470::/16' } }), ['n1'])
    assert.deepEqual(nodesOf({ localCIDRs: { ip: '210.0.0.0/8', ip6: '9480::/112' } }), ['n1'])
  })
})

describe('the tunnel that a cluster wants', () => {
  const tunnelOf = (options: object) => linkCluster(cluster(options), [])?.tunnel

  it('encrypts by default where packets cross gateways, and is what was said otherwise', () => {
    assert.equal(tunnelOf({ networkType: 'gateway' }), 'wireguard')
    assert.equal(tunnelOf({ networkType: 'p2p' }), 'vxlan')
    for (const networkType of ['gateway', 'p2p'])
      for (const tunnel of ['vxlan', 'wireguard', 'ipsec']) assert.equal(tunnelOf({ networkType, tunnel }), tunnel)
  })
})
