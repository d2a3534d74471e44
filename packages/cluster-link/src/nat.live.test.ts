import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseEndpoint } from '@kosmos/api'
import { type AgentProcess, startAgent } from './agent/agent.fixture.ts'
import { eventually, type Host, hostOf, type Network, startNetwork, unlessRoot } from './agent/network.fixture.ts'
import { removeEverything } from './agent/remove.ts'
import { devices } from './model/names.ts'
import type { LinkCluster, LinkNetwork, LinkNode } from './model/network.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { addressIn, plansOf, withKeys } from './planned.fixture.ts'

/** One gateway each, at these addresses. */
function linkWith(
  tunnel: 'wireguard' | 'ipsec',
  places: Readonly<Record<string, Pick<LinkNode, 'ip' | 'endpoint'>>>,
): LinkNetwork {
  const sketch: ClusterSketch = {
    networkType: 'gateway',
    tunnel,
    families: [4],
    nodes: 1,
    gateways: 1,
    overlapping: false,
    prefix: 16,
  }
  const moved = [...buildNetwork([sketch, sketch]).values()].map((cluster): [string, LinkCluster] => {
    const at = places[cluster.name]
    return [
      cluster.name,
      { ...cluster, nodes: new Map([...cluster.nodes].map(([name, node]) => [name, { ...node, ...at }])) },
    ]
  })
  return new Map(moved)
}

interface Inside {
  readonly router: string
  readonly name: string
  /** Its own, and that of the router there. */
  readonly address: string
  readonly gateway: string
  /** What its router has to do besides. */
  readonly rules?: string
}

/** A host behind a router that translates, and lets nothing in that nobody asked for. */
async function hostInside(network: Network, { router: at, name, address, gateway, rules = '' }: Inside): Promise<Host> {
  const router = hostOf(network, at)
  const inside = await network.pod(router, name, [address])
  // It has a pod itself, and with it the address that its router would have.
  await router.sh(`ip address add ${gateway}/32 dev ${name}; ip address delete 169.254.1.1/32 dev ${name}`)
  await inside.sh(`sysctl -qw net/ipv4/ip_forward=1; ip route replace default via ${gateway} dev eth0 onlink`)
  await router.sh(`nft '
  table ip nat {
    chain post { type nat hook postrouting priority srcnat; oifname "eth0" masquerade; }
    chain forward {
      type filter hook forward priority filter; policy drop;
      iifname "${name}" accept
      ct state established,related accept
      ct status dnat accept
    }
    ${rules}
  }'
  sysctl -qw net/netfilter/nf_conntrack_udp_timeout=7 net/netfilter/nf_conntrack_udp_timeout_stream=7`)
  return inside
}

interface Started {
  readonly agents: readonly AgentProcess[]
  /** Their pods. */
  readonly pods: readonly [Host, Host]
  /** One echo request, which is answered. */
  ping(from: Host): Promise<unknown>
  reaches(from: Host): Promise<unknown>
}

/** Agents and a pod on the gateways of both clusters. */
async function startLink(network: Network, hosts: readonly [Host, Host], unkeyed: LinkNetwork): Promise<Started> {
  const hostAt = (place: string) => hosts[place === 'c0n0' ? 0 : 1]
  const link = await withKeys(hostAt, unkeyed)
  const [first, second] = [...link.values()].map(({ nodes }) => addressIn([...nodes.values()][0]?.podCIDRs[0] as never))
  assert.ok(first && second)
  const pods = [await network.pod(hosts[0], 'pod-0', [first]), await network.pod(hosts[1], 'pod-1', [second])] as const
  const agents: AgentProcess[] = []
  for (const [place, spec] of plansOf(link)) {
    // What a NAT forgets in minutes, the one here does in seconds.
    const peers = spec.peers?.map((peer) => ({ ...peer, keepaliveSeconds: 2 }))
    agents.push(await startAgent(network, hostAt(place), { ...spec, ...(peers && { peers }) }))
  }
  const ping = (pod: Host) => pod.sh(`ping -c 1 -W 2 ${pod === pods[0] ? second : first}`)
  const reaches = (pod: Host) => eventually(`${pod.name} gets an answer`, () => ping(pod).catch(() => undefined))
  return { agents, pods, ping, reaches }
}

describe('a cluster behind a NAT that lets nothing in', { skip: unlessRoot, concurrency: true }, () => {
  for (const tunnel of ['wireguard', 'ipsec'] as const) {
    describe(`by ${tunnel}`, { concurrency: false }, () => {
      let network: Network
      let inside: Host
      let link: Started

      before(async () => {
        network = await startNetwork({ router: ['198.51.100.1/24'], outside: ['198.51.100.2/24'] })
        const place = { router: 'router', name: 'inside', address: '10.77.0.2', gateway: '10.77.0.1' }
        inside = await hostInside(network, place)
        const places = { c0: { ip: place.address }, c1: { ip: '198.51.100.2' } }
        link = await startLink(network, [inside, hostOf(network, 'outside')], linkWith(tunnel, places))
      })
      after(async () => {
        for (const { process } of link?.agents ?? []) process.kill('SIGKILL')
        if (inside) await removeEverything(inside.shell, inside.stateDir)
        await network?.end()
      })

      it('is reached as well as it reaches others', async () => {
        await link.reaches(link.pods[1])
        await link.reaches(link.pods[0])
      })

      it('is reached again, by itself, when the NAT has another address and has forgotten everything', async (test) => {
        await hostOf(network, 'router').sh(
          'ip address delete 198.51.100.1/24 dev eth0; ip address add 198.51.100.9/24 dev eth0; conntrack -F',
        )
        const since = performance.now()
        await link.reaches(link.pods[1])
        test.diagnostic(`after ${Math.round(performance.now() - since)} ms`)
        await link.reaches(link.pods[0])
      })

      it('is reached after a silence, without an agent: the tunnel itself keeps the mapping', async () => {
        for (const { process } of link.agents) process.kill('SIGKILL')
        await sleep(9_000)
        await link.ping(link.pods[1])
      })
    })
  }
})

describe('two clusters behind a NAT each, of which one is reached by a forwarded port', { skip: unlessRoot }, () => {
  for (const [tunnel, { port }] of [
    ['wireguard', devices.wireGuard],
    ['ipsec', devices.ipsec],
  ] as const) {
    it(`reach each other by ${tunnel}, at whichever port that is`, async (test) => {
      const network = await startNetwork({ east: ['198.51.100.1/24'], west: ['198.51.100.2/24'] })
      const insides: Host[] = []
      let link: Started | undefined
      test.after(async () => {
        for (const { process } of link?.agents ?? []) process.kill('SIGKILL')
        for (const inside of insides) await removeEverything(inside.shell, inside.stateDir)
        await network.end()
      })
      const forwarded = `chain pre {
        type nat hook prerouting priority dstnat
        iifname "eth0" udp dport 40000 dnat to 10.77.0.2:${port}
      }`
      const c0 = { router: 'east', name: 'inside-0', address: '10.77.0.2', gateway: '10.77.0.1', rules: forwarded }
      const c1 = { router: 'west', name: 'inside-1', address: '10.78.0.2', gateway: '10.78.0.1' }
      const hosts = [await hostInside(network, c0), await hostInside(network, c1)] as const
      insides.push(...hosts)
      const endpoint = parseEndpoint('198.51.100.1:40000')
      const places = { c0: { ip: c0.address, endpoint }, c1: { ip: c1.address } }
      link = await startLink(network, hosts, linkWith(tunnel, places))
      for (const pod of link.pods) await link.reaches(pod)
    })
  }
})
