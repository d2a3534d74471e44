import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LinkCluster, LinkNetwork, LinkNode, Tunnel } from '../model/network.ts'
import { sharedKeys } from './shared-keys.ts'
import { buildNetwork, type ClusterSketch } from './testing/networks.ts'

const networkWith = (tunnel: Tunnel, networkType: 'p2p' | 'gateway' = 'p2p'): LinkNetwork => {
  const sketch: ClusterSketch = {
    networkType,
    tunnel,
    families: [4],
    nodes: 2,
    gateways: 1,
    overlapping: false,
    prefix: 16,
  }
  return buildNetwork([sketch, sketch, sketch])
}

/** A disk was copied: one node has the keys of another one. */
function copied(network: LinkNetwork, [from, to]: readonly [string, string]): LinkNetwork {
  const at = (place: string): readonly [LinkCluster, LinkNode] => {
    const [clusterName = '', nodeName = ''] = place.split('/')
    const cluster = network.get(clusterName)
    const node = cluster?.nodes.get(nodeName)
    assert.ok(cluster && node)
    return [cluster, node]
  }
  const [, { publicKey, ipsecPublicKey }] = at(from)
  const [cluster, node] = at(to)
  const nodes = new Map([...cluster.nodes, [node.name, { ...node, publicKey, ipsecPublicKey }]])
  return new Map([...network, [cluster.name, { ...cluster, nodes }]])
}

describe('nodes with the same key', () => {
  for (const tunnel of ['wireguard', 'ipsec'] as const) {
    it(`are both named where others encrypt for them, by ${tunnel}`, () => {
      const network = networkWith(tunnel)
      assert.deepEqual(sharedKeys(network), [])
      assert.deepEqual(sharedKeys(copied(network, ['c0/n1', 'c2/n0'])), [
        { cluster: 'c0', node: 'n1', otherCluster: 'c2', otherNode: 'n0' },
      ])
      assert.deepEqual(sharedKeys(copied(network, ['c1/n0', 'c1/n1'])), [
        { cluster: 'c1', node: 'n0', otherCluster: 'c1', otherNode: 'n1' },
      ])
    })
  }

  it('are no matter where nobody encrypts for them', () => {
    assert.deepEqual(sharedKeys(copied(networkWith('vxlan'), ['c0/n1', 'c2/n0'])), [])
    assert.deepEqual(sharedKeys(copied(networkWith('wireguard', 'gateway'), ['c0/n0', 'c2/n1'])), [])
    assert.equal(sharedKeys(copied(networkWith('wireguard', 'gateway'), ['c0/n0', 'c2/n0'])).length, 1)
  })
})
