import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Cidr, translate } from '@kosmos/kube/addresses'
import { apply } from './agent/kernel.fixture.ts'
import { eventually, type Host, hostOf, sniff, unlessRoot } from './agent/network.fixture.ts'
import type { LinkCluster, LinkNetwork, Tunnel } from './model/network.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { addressIn, type PlannedHosts, placeOf, plansOf, startPlanned, withKeys } from './planned.fixture.ts'

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
  let hosts: PlannedHosts

  const planned = (combination: Combination): Promise<LinkNetwork> =>
    withKeys((place) => hostOf(hosts.network, place), buildNetwork([sketchOf(combination), sketchOf(combination)]))
  const podsOf = (link: LinkNetwork): Pod[] =>
    [...link.values()].flatMap((cluster) =>
      [...cluster.nodes.values()].map(({ name, podCIDRs }) => {
        const at = placeOf(cluster.name, name)
        const host = hosts.podOn.get(at)
        assert.ok(host)
        return { host, node: hostOf(hosts.network, at), cluster, cidrs: podCIDRs }
      }),
    )
  const pings = (from: Host, source: string | undefined, target: string, options = '') =>
    eventually(`${from.name} reaches ${target}`, () =>
      from.sh(`ping -c 1 -W 1 ${options} ${source ? `-I ${source}` : ''} ${target} && echo yes`).catch(() => undefined),
    )

  before(async () => {
    hosts = await startPlanned(sketches.map((sketch) => buildNetwork([sketch, sketch])))
  })
  after(() => hosts?.network.end())

  for (const combination of slice) {
    it(`reach each other and are known by their addresses: ${nameOf(combination)}`, async () => {
      const link = await planned(combination)
      for (const [place, spec] of plansOf(link)) await apply(hostOf(hosts.network, place), spec)
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
        const seen = await sniff(hosts.network, to.node, ['-i', to.host.name, 'icmp or icmp6'], () =>
          pings(from.host, addressIn(cidr), target),
        )
        assert.ok(seen.includes(`${globalOf(from.cluster, cidr)} > ${addressIn(to.cidrs[index] as Cidr)}`), seen)
      }
    })
  }
})
