import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NodeConfigSpec } from '@kosmos/api'
import { type AgentProcess, startAgent } from './agent/agent.fixture.ts'
import { eventually, type Host, hostOf, type Network, startNetwork, unlessRoot } from './agent/network.fixture.ts'
import { removeEverything } from './agent/remove.ts'
import type { LinkCluster, LinkNetwork } from './model/network.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { addressIn, plansOf, withKeys } from './planned.fixture.ts'

const addresses = { c0: '10.77.0.2', c1: '198.51.100.2' } as const

/** One gateway each; the first cluster is behind a NAT. */
function linkWith(tunnel: 'wireguard' | 'ipsec'): LinkNetwork {
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
    const ip = addresses[cluster.name as keyof typeof addresses]
    return [
      cluster.name,
      { ...cluster, nodes: new Map([...cluster.nodes].map(([name, node]) => [name, { ...node, ip }])) },
    ]
  })
  return new Map(moved)
}

describe('a cluster behind a NAT that lets nothing in', { skip: unlessRoot, concurrency: true }, () => {
  for (const tunnel of ['wireguard', 'ipsec'] as const) {
    describe(`by ${tunnel}`, { concurrency: false }, () => {
      let network: Network
      let router: Host
      let inside: Host
      let outside: Host
      let podInside: Host
      let podOutside: Host
      const agents: AgentProcess[] = []
      const specs = new Map<Host, NodeConfigSpec>()
      const targets = new Map<Host, string>()

      const reaches = (pod: Host) =>
        eventually(`${pod.name} gets an answer`, () =>
          pod.sh(`ping -c 1 -W 1 ${targets.get(pod)}`).catch(() => undefined),
        )

      before(async () => {
        network = await startNetwork({ router: ['198.51.100.1/24'], outside: [`${addresses.c1}/24`] })
        router = hostOf(network, 'router')
        outside = hostOf(network, 'outside')
        inside = await network.pod(router, 'inside', [addresses.c0])
        // It has a pod itself, and with it the address that its router would have.
        await router.sh('ip address add 10.77.0.1/32 dev inside; ip address delete 169.254.1.1/32 dev inside')
        await inside.sh('sysctl -qw net/ipv4/ip_forward=1; ip route replace default via 10.77.0.1 dev eth0 onlink')
        await router.sh(`nft '
        table ip nat {
          chain post { type nat hook postrouting priority srcnat; oifname "eth0" masquerade; }
          chain forward {
            type filter hook forward priority filter; policy drop;
            iifname "inside" accept
            ct state established,related accept
          }
        }'
        sysctl -qw net/netfilter/nf_conntrack_udp_timeout=7 net/netfilter/nf_conntrack_udp_timeout_stream=7`)
        const hostAt = (place: string) => (place === 'c0n0' ? inside : outside)
        const link = await withKeys(hostAt, linkWith(tunnel))
        const [first, second] = [...link.values()].map(({ nodes }) =>
          addressIn([...nodes.values()][0]?.podCIDRs[0] as never),
        )
        assert.ok(first && second)
        podInside = await network.pod(inside, 'pod-inside', [first])
        podOutside = await network.pod(outside, 'pod-outside', [second])
        targets.set(podInside, second).set(podOutside, first)
        for (const [place, spec] of plansOf(link)) {
          // What a NAT forgets in minutes, the one here does in seconds.
          const peers = spec.peers?.map((peer) => ({ ...peer, keepaliveSeconds: 2 }))
          specs.set(hostAt(place), { ...spec, ...(peers && { peers }) })
        }
        for (const [host, spec] of specs) agents.push(await startAgent(network, host, spec))
      })
      after(async () => {
        for (const { process } of agents) process.kill('SIGKILL')
        if (inside) await removeEverything(inside.shell, inside.stateDir)
        await network?.end()
      })

      it('is reached as well as it reaches others', async () => {
        await reaches(podOutside)
        await reaches(podInside)
      })

      it('is reached again, by itself, when the NAT has another address and has forgotten everything', async (test) => {
        await router.sh(
          'ip address delete 198.51.100.1/24 dev eth0; ip address add 198.51.100.9/24 dev eth0; conntrack -F',
        )
        const since = performance.now()
        await reaches(podOutside)
        test.diagnostic(`after ${Math.round(performance.now() - since)} ms`)
        await reaches(podInside)
      })

      it('is reached after a silence, without an agent: the tunnel itself keeps the mapping', async () => {
        for (const { process } of agents) process.kill('SIGKILL')
        await sleep(9_000)
        await podOutside.sh(`ping -c 1 -W 2 ${targets.get(podOutside)}`)
      })
    })
  }
})
