import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { dump } from 'js-yaml'
import { pairsOf } from './pairs.ts'
import { planNode } from './plan-node.ts'
import { buildNetwork, type ClusterSketch } from './testing/networks.ts'

// What each node of a topology gets, as files to review: `UPDATE_GOLDEN=1 node --test …/golden.test.ts` writes them anew.
const folder = path.join(import.meta.dirname, 'golden')

const plain: ClusterSketch = {
  networkType: 'p2p',
  tunnel: 'vxlan',
  families: [4],
  nodes: 2,
  gateways: 0,
  overlapping: false,
  prefix: 16,
}
const gateway: ClusterSketch = { ...plain, networkType: 'gateway', nodes: 3, gateways: 2 }
const overlapping: ClusterSketch = { ...plain, overlapping: true, nodes: 1 }

const topologies: Readonly<Record<string, readonly ClusterSketch[]>> = {
  'p2p-vxlan': [plain, plain],
  'p2p-wireguard': [{ ...plain, tunnel: 'wireguard' }, plain],
  'p2p-ipsec': [{ ...plain, tunnel: 'ipsec' }, plain],
  'wireguard-and-ipsec': [
    { ...plain, nodes: 1 },
    { ...plain, nodes: 1, tunnel: 'ipsec' },
    { ...plain, nodes: 1, tunnel: 'wireguard' },
  ],
  'gateway-vxlan': [gateway, gateway],
  'three-gateways': [
    { ...gateway, nodes: 4, gateways: 3, families: [4, 6] },
    { ...plain, nodes: 1, families: [4, 6] },
  ],
  'gateway-wireguard-dual-stack': [
    { ...gateway, tunnel: 'wireguard', families: [4, 6] },
    { ...plain, nodes: 1, families: [4, 6] },
  ],
  'overlapping-networks': [overlapping, overlapping],
  'overlapping-networks-by-gateways': [
    { ...gateway, nodes: 2, gateways: 1, overlapping: true, families: [4, 6] },
    { ...overlapping, families: [4, 6] },
  ],
  'borrowed-addresses': [
    { ...plain, nodes: 3, borrowed: [[1, 2]] },
    {
      ...gateway,
      gateways: 1,
      overlapping: true,
      borrowed: [
        [1, 0],
        [1, 2],
      ],
    },
  ],
  'three-clusters': [
    { ...plain, nodes: 1 },
    { ...gateway, nodes: 2, gateways: 1 },
    { ...plain, nodes: 1 },
  ],
}

describe('the NodeConfigs of', () => {
  for (const [name, sketches] of Object.entries(topologies)) {
    it(name, () => {
      const network = buildNetwork(sketches)
      const specs = [...network.values()].flatMap((cluster) => {
        const pairs = pairsOf(network, cluster)
        return [...cluster.nodes.values()].map((node) => [
          `${cluster.name}-${node.name}`,
          planNode(cluster, node, pairs),
        ])
      })
      const text = dump(Object.fromEntries(specs), { lineWidth: 120, noRefs: true })
      const file = path.join(folder, `${name}.yaml`)
      if (process.env.UPDATE_GOLDEN) {
        mkdirSync(folder, { recursive: true })
        writeFileSync(file, text)
      }
      assert.equal(text, readFileSync(file, 'utf8'))
    })
  }
})
