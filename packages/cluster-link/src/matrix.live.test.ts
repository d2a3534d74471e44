import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Cidr, formatCidr, nthAddress, translate } from '@kosmos/kube/addresses'
import { loadIpsecKey } from './agent/ipsec/key.ts'
import { apply } from './agent/kernel.fixture.ts'
import {
  eventually,
  type Host,
  hostOf,
  type Network,
  sniff,
  startNetwork,
  unlessRoot,
} from './agent/network.fixture.ts'
import { loadKeyPair } from './agent/wireguard/key.ts'
import type { LinkCluster, LinkNetwork, Tunnel } from './model/network.ts'
import { pairsOf } from './plan/pairs.ts'
import { planNode } from './plan/plan-node.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'

/** Every mode with every tunnel, family and kind of network; without KOSMOS_LINK_MATRIX=all, one of each at least. */
const isWhole = process.env.KOSMOS_LINK_MATRIX === 'all'

interface Combination {
  readonly networkType: 'p2p' | 'gateway'
  readonly tunnel: Tunnel
  readonly families: readonly (4 | 6)[]
  readonly overlapping: boolean
}

const all: Combination[] = (['p2p', 'gateway'] as const).flatMap((networkType) =>
  (['vxlan', 'wireguard', 'ipsec'] as const).flatMap((tunnel) =>
    [[4] as const, [6] as const, [4, 6] as const].flatMap((families) =>
      [false, true].map((overlapping) => ({ networkType, tunnel, families, overlapping })),
    ),
  ),
)
const slice = all.filter((_, index) => isWhole || [4, 7, 12, 19, 28, 35].includes(index))

const nameOf = ({ networkType, tunnel, families, overlapping }: Combination): string =>
  `${networkType}, ${tunnel}, IPv${families.join(' and IPv')}, ${overlapping ? 'with the same networks' : 'with networks of their own'}`

const sketchOf = (combination: Combination): ClusterSketch => ({
  ...combination,
  nodes: 2,
  gateways: combination.networkType === 'gateway' ? 1 : 0,
  prefix: 16,
})

/** All addresses that a node's pod has in some combination. */
const sketches = [false, true].map((overlapping) =>
  sketchOf({ networkType: 'p2p', tunnel: 'vxlan', families: [4, 6], overlapping }),
)
const addressIn = (cidr: Cidr) => nthAddress(cidr, 5n)

interface Pod {
  readonly host: Host
  readonly node: Host
  readonly cluster: LinkCluster
  readonly cidrs: readonly Cidr[]
}

const globalOf = ({ networks }: LinkCluster, cidr: Cidr): string => {
  const seen = networks.find(({ kind, local }) => kind === 'Pod' && local.family === cidr.family)
  assert.ok(seen)
  return addressIn(translate(cidr, seen.local, seen.global))
}

describe('pods of two clusters of two nodes each', { skip: unlessRoot }, () => {
  let network: Network
  const podOn = new Map<string, Host>()

  const place = (cluster: string, node: string) => `${cluster}${node}`
  /** The plan of a combination with the keys that the hosts have. */
  const planned = async (combination: Combination): Promise<LinkNetwork> => {
    const sketched = buildNetwork([sketchOf(combination), sketchOf(combination)])
    const keyed = await Promise.all(
      [...sketched.values()].map(async (cluster): Promise<[string, LinkCluster]> => {
        const nodes = await Promise.all(
          [...cluster.nodes.values()].map(async (node) => {
            const { stateDir } = hostOf(network, place(cluster.name, node.name))
            const { publicKey } = await loadKeyPair(stateDir)
            const ipsecPublicKey = (await loadIpsecKey(stateDir)).publicKey
            return [node.name, { ...node, publicKey, ipsecPublicKey }] as const
          }),
        )
        return [cluster.name, { ...cluster, nodes: new Map(nodes) }]
      }),
    )
    return new Map(keyed)
  }
  const podsOf = (link: LinkNetwork): Pod[] =>
    [...link.values()].flatMap((cluster) =>
      [...cluster.nodes.values()].map(({ name, podCIDRs }) => {
        const at = place(cluster.name, name)
        const host = podOn.get(at)
        assert.ok(host)
        return { host, node: hostOf(network, at), cluster, cidrs: podCIDRs }
      }),
    )
  const pings = (from: Host, source: string | undefined, target: string, options = '') =>
    eventually(`${from.name} reaches ${target}`, () =>
      from.sh(`ping -c 1 -W 1 ${options} ${source ? `-I ${source}` : ''} ${target} && echo yes`).catch(() => undefined),
    )

  before(async () => {
    const built = sketches.map((sketch) => buildNetwork([sketch, sketch]))
    const [first] = built
    assert.ok(first)
    const nodes = [...first.values()].flatMap(({ name, nodes }) =>
      [...nodes.values()].map((node) => ({ cluster: name, node })),
    )
    network = await startNetwork(
      Object.fromEntries(nodes.map(({ cluster, node }) => [place(cluster, node.name), [`${node.ip}/6`]])),
    )
    for (const { cluster, node } of nodes) {
      const host = hostOf(network, place(cluster, node.name))
      const cidrsOf = (name: string) => built.flatMap((one) => one.get(cluster)?.nodes.get(name)?.podCIDRs ?? [])
      podOn.set(
        place(cluster, node.name),
        await network.pod(host, `pod-${place(cluster, node.name)}`, cidrsOf(node.name).map(addressIn)),
      )
      // As a network plug-in routes between the nodes of its cluster; here IPv6 by the address of the link.
      for (const other of nodes.filter((one) => one.cluster === cluster && one.node !== node)) {
        const there = hostOf(network, place(cluster, other.node.name))
        const linkLocal = (await there.sh("ip -6 -o address show dev eth0 scope link | awk '{print $4}'")).split('/')[0]
        for (const cidr of cidrsOf(other.node.name)) {
          const via = cidr.family === 4 ? other.node.ip : `${linkLocal} dev eth0`
          await host.sh(`ip route add ${formatCidr(cidr)} via ${via}`)
        }
      }
    }
  })
  after(() => network?.end())

  for (const combination of slice) {
    it(`reach each other and are known by their addresses: ${nameOf(combination)}`, async () => {
      const link = await planned(combination)
      for (const cluster of link.values()) {
        const pairs = pairsOf(link, cluster)
        for (const node of cluster.nodes.values()) {
          await apply(hostOf(network, place(cluster.name, node.name)), planNode(cluster, node, pairs))
        }
      }
      const pods = podsOf(link)
      for (const from of pods) {
        for (const to of pods.filter(({ cluster }) => cluster !== from.cluster)) {
          for (const [index, cidr] of to.cidrs.entries()) {
            const source = addressIn(from.cidrs[index] as Cidr)
            const target = globalOf(to.cluster, cidr)
            await pings(from.host, source, target)
            await pings(from.host, source, target, '-s 4000')
            await pings(from.node, undefined, target)
          }
        }
      }
      const [from, to] = [pods[1], pods[3]]
      assert.ok(from && to)
      for (const [index, cidr] of from.cidrs.entries()) {
        const target = globalOf(to.cluster, to.cidrs[index] as Cidr)
        const seen = await sniff(network, to.node, ['-i', to.host.name, 'icmp or icmp6'], () =>
          pings(from.host, addressIn(cidr), target),
        )
        assert.ok(seen.includes(`${globalOf(from.cluster, cidr)} > ${addressIn(to.cidrs[index] as Cidr)}`), seen)
      }
    })
  }
})
