import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { type Cidr, translate } from '@kosmos/kube/addresses'
import { ensurePrograms, silent } from '@kosmos/testbed'
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

/** One of each mode and tunnel, in one of them by translated addresses: it takes a minute. */
const poured = all.filter(
  ({ networkType, families: [family, other], overlapping }) =>
    isWhole && family === 4 && other === undefined && overlapping === (networkType === 'gateway'),
)
/** In seconds; on a busy machine a second may well be empty. */
const [pourSeconds, longestStall] = [60, 10] as const

interface Poured {
  readonly intervals: readonly { readonly sum: { readonly bytes: number } }[]
  readonly end: { readonly sum_received: { readonly bytes: number } }
}

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

  const applied = async (combination: Combination): Promise<Pod[]> => {
    const link = await planned(combination)
    for (const [place, spec] of plansOf(link)) await apply(hostOf(hosts.network, place), spec)
    return podsOf(link)
  }

  for (const combination of slice) {
    it(`reach each other and are known by their addresses: ${nameOf(combination)}`, async () => {
      const pods = await applied(combination)
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

  for (const combination of poured) {
    it(`pour through one connection for a minute, which never stalls: ${nameOf(combination)}`, async (test) => {
      await ensurePrograms(['iperf3'], silent)
      const pods = await applied(combination)
      const [from, to] = [pods[1], pods[3]]
      assert.ok(from?.cidrs[0] && to?.cidrs[0])
      const [source, target] = [addressIn(from.cidrs[0]), globalOf(to.cluster, to.cidrs[0])]
      await pings(from.host, source, target)
      const server = hosts.network.start(to.host, ['iperf3', '--server', '--one-off', '--forceflush'])
      const ended = once(server, 'exit')
      await once(server.stdout ?? server, 'data')
      const text = await from.host.sh(`iperf3 --client ${target} --bind ${source} --time ${pourSeconds} --json`)
      await ended
      const { intervals, end } = JSON.parse(text) as Poured
      const stalls = intervals
        .map(({ sum: { bytes } }) => (bytes > 0 ? ' ' : '0'))
        .join('')
        .split(' ')
      assert.ok(Math.max(...stalls.map(({ length }) => length)) < longestStall, text)
      assert.ok(intervals.length >= pourSeconds - 1 && end.sum_received.bytes > 0, text)
      test.diagnostic(`${Math.round((end.sum_received.bytes * 8) / pourSeconds / 1e6)} Mbit/s`)
    })
  }
})
