import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Cidr, translate } from '@kosmos/kube/addresses'
import { apply } from './agent/kernel.fixture.ts'
import { eventually, type Host, hostOf, unlessRoot } from './agent/network.fixture.ts'
import type { LinkNetwork } from './model/network.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { addressIn, type PlannedHosts, placeOf, plansOf, startPlanned } from './planned.fixture.ts'

const sketchOf = (networkType: 'p2p' | 'gateway', overlapping: boolean): ClusterSketch => ({
  networkType,
  tunnel: 'vxlan',
  families: [4, 6],
  nodes: 2,
  gateways: networkType === 'gateway' ? 1 : 0,
  overlapping,
  prefix: 16,
})

/** Sends a datagram to where nobody listens, and prints what the socket is told. */
const knock = (address: string) => `
  const socket = require('node:dgram').createSocket('${address.includes(':') ? 'udp6' : 'udp4'}')
  const end = (word) => { console.log(word); process.exit() }
  socket.on('error', ({ code }) => end(code))
  socket.connect(9, '${address}', () => socket.send('anybody?'))
  setTimeout(end, 3_000, 'silence')`

/** The other end of the tunnels carries less, so that they do, and those within a cluster do not. */
function withSmallerUnderlay(name: string, link: LinkNetwork): LinkNetwork {
  const cluster = link.get(name)
  assert.ok(cluster)
  const nodes = new Map([...cluster.nodes].map(([node, one]) => [node, { ...one, mtu: 1_450 }]))
  return new Map([...link, [name, { ...cluster, nodes }]])
}
const TUNNEL_MTU = 1_400
const TOO_LARGE = 1_390

/** More than the pod's own device takes, less than the tunnels do. */
const SMALL_MTU = 1_300
const LARGE = 1_330

describe('errors about packets between pods of two clusters', { skip: unlessRoot }, () => {
  let hosts: PlannedHosts

  before(async () => {
    hosts = await startPlanned(
      [false, true].map((overlapping) => buildNetwork([0, 1].map(() => sketchOf('p2p', overlapping)))),
    )
    for (const host of [...hosts.network.hosts.values(), ...hosts.podOn.values()]) {
      await host.sh('sysctl -qw net/ipv4/icmp_ratelimit=0 net/ipv6/icmp/ratelimit=0')
      // As kube-proxy does.
      const chain = 'chain pass { type filter hook forward priority 0; ct state invalid drop; };'
      await host.sh(`nft 'table inet proxy { ${chain} }'`)
    }
  })
  after(() => hosts?.network.end())

  for (const [networkType, overlapping] of [
    ['p2p', false],
    ['p2p', true],
    ['gateway', false],
    ['gateway', true],
  ] as const) {
    const way = networkType === 'p2p' ? 'P2P' : 'behind gateways'
    describe(`that are ${way} and have ${overlapping ? 'the same networks' : 'networks of their own'}`, () => {
      const link = withSmallerUnderlay('c1', buildNetwork([0, 1].map(() => sketchOf(networkType, overlapping))))
      const [own, other] = [...link.values()]
      const [from, to] = [own?.nodes.get('n1'), other?.nodes.get('n1')]
      assert.ok(own && other && from && to)
      const farNode = placeOf(other.name, to.name)
      const targets = to.podCIDRs.map((cidr: Cidr) => {
        const seen = other.networks.find(({ kind, local }) => kind === 'Pod' && local.family === cidr.family)
        const source = from.podCIDRs.find(({ family }) => family === cidr.family)
        assert.ok(seen && source)
        return { source: addressIn(source), address: addressIn(translate(cidr, seen.local, seen.global)) }
      })
      let pod: Host
      let far: Host

      before(async () => {
        for (const one of hosts.podOn.values()) await one.sh('ip route flush cache; ip -6 route flush cache')
        for (const [place, spec] of plansOf(link)) await apply(hostOf(hosts.network, place), spec)
        const found = [from, to].map(({ name }, index) => hosts.podOn.get(placeOf(`c${index}`, name)))
        assert.ok(found[0] && found[1])
        ;[pod, far] = [found[0], found[1]]
        for (const { source, address } of targets) {
          await eventually(`it reaches ${address}`, () =>
            pod.sh(`ping -c 1 -W 1 -I ${source} ${address}`).catch(() => undefined),
          )
        }
      })

      it('come from the pod: nobody listens there', async () => {
        for (const { source, address } of targets) {
          await pod.sh(
            `ip route replace ${address} via ${address.includes(':') ? 'fe80::1' : '169.254.1.1'} dev eth0 onlink src ${source}`,
          )
          const heard = await pod.shell.run([process.execPath, '-e', knock(address)])
          assert.equal(heard.trim(), 'ECONNREFUSED', address)
        }
      })

      it('come from every node on the way', async () => {
        const nodes = networkType === 'p2p' ? 2 : 4
        for (const { source, address } of targets) {
          for (let lives = 1; lives <= nodes; lives++) {
            const heard = await pod.sh(`ping -c 1 -W 2 -t ${lives} -I ${source} ${address} || true`)
            assert.match(heard, /Time to live exceeded|Time exceeded: Hop limit/, `${lives} of ${nodes} to ${address}`)
          }
          await pod.sh(`ping -c 1 -W 2 -t ${nodes + 1} -I ${source} ${address}`)
        }
      })

      it('come from where the tunnel begins: it carries less than what leads there', async () => {
        for (const { source, address } of targets) {
          // The first answer may be an error for who answers: IPv6 has no smaller pieces made on the way.
          const ping = (how: string) => `ping -c 3 -i 0.2 -W 2 -M ${how} -s ${TOO_LARGE} -I ${source} ${address}`
          const heard = await pod.sh(`${ping('do')} || true`)
          assert.match(heard, new RegExp(`(Frag needed and DF set|Packet too big).*mtu ?= ?${TUNNEL_MTU}`), address)
          await pod.sh(ping('want'))
        }
      })

      it('come from the node of the pod: the packet does not fit, so that it is sent in pieces that do', async () => {
        const make = async (mtu: number) => {
          await far.sh(`ip link set dev eth0 mtu ${mtu}`)
          await hostOf(hosts.network, farNode).sh(`ip link set dev ${far.name} mtu ${mtu}`)
        }
        await make(SMALL_MTU)
        for (const { source, address } of targets) {
          const ping = `ping -c 1 -W 2 -M do -s ${LARGE} -I ${source} ${address}`
          const heard = await pod.sh(`${ping} || true`)
          assert.match(heard, /(Frag needed and DF set|Packet too big).*mtu ?= ?1300/, address)
          await pod.sh(`ping -c 1 -W 2 -M want -s ${LARGE} -I ${source} ${address}`)
        }
        await make(1_500)
      })
    })
  }
})
