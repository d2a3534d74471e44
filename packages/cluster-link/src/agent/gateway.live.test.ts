import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { LinkTranslation, NodeConfigSpec } from '@kosmos/api'
import { devices } from '../model/names.ts'
import { apply } from './kernel.fixture.ts'
import { eventually, type Host, hostOf, type Network, sniff, startNetwork, unlessRoot } from './network.fixture.ts'
import { bridgeAddress, bridgeAddress6, bridgeDevice, macOf, plainSpec } from './node-config.fixture.ts'
import { removeEverything } from './remove.ts'

const [gateway, worker, remote] = [{ number: 1 }, { number: 2 }, { number: 3 }] as const
const localAddress = ({ number }: { readonly number: number }) => `210.0.2.${number}`

/** The cluster of the gateway and the worker; both clusters have 10.1.0.0/16. */
const translations: LinkTranslation[] = [
  { local: '10.1.0.0/16', global: '100.65.0.0/16', kind: 'Pod' },
  { local: '10.96.0.0/16', global: '100.97.0.0/16', kind: 'Service' },
]

const local = (me: { readonly number: number }, other: { readonly number: number }): NodeConfigSpec => ({
  nodeName: 'n',
  devices: [
    {
      type: 'vxlan',
      ...devices.local,
      addr: `${localAddress(me)}/32`,
      mac: macOf(me, 2),
      local: `192.0.2.${me.number}`,
      mtu: 1450,
    },
  ],
  fdbs: [{ ip: `192.0.2.${other.number}`, mac: macOf(other, 2), dev: devices.local.name }],
  arps: [{ ip: localAddress(other), mac: macOf(other, 2), dev: devices.local.name }],
})

describe('a cluster with a gateway', { skip: unlessRoot }, () => {
  let network: Network
  let a1: Host
  let a2: Host
  let b1: Host
  let podOnWorker: Host
  let podOfB: Host

  before(async () => {
    network = await startNetwork({ a1: ['192.0.2.1/24'], a2: ['192.0.2.2/24'], b1: ['192.0.2.3/24'] })
    a1 = hostOf(network, 'a1')
    a2 = hostOf(network, 'a2')
    b1 = hostOf(network, 'b1')
    podOnWorker = await network.pod(a2, 'pod-a', ['10.1.2.5'])
    podOfB = await network.pod(b1, 'pod-b', ['10.1.0.5'])
    // The network of the cluster itself.
    await a1.sh('ip route add 10.1.2.0/24 via 192.0.2.2')
    for (const [host, own] of [
      [a1, '10.1.1.0/24'],
      [a2, '10.1.2.0/24'],
    ] as const) {
      await host.sh('iptables -P FORWARD DROP; ip6tables -P FORWARD DROP')
      // As flannel does.
      await host.sh('iptables -A FORWARD -s 10.1.0.0/16 -j ACCEPT; iptables -A FORWARD -d 10.1.0.0/16 -j ACCEPT')
      await host.sh('iptables -t nat -A POSTROUTING -s 10.1.0.0/16 ! -d 10.1.0.0/16 -j MASQUERADE')
      await host.sh(`iptables -t nat -A POSTROUTING ! -s 10.1.0.0/16 -d ${own} -j RETURN`)
      await host.sh('iptables -t nat -A POSTROUTING ! -s 10.1.0.0/16 -d 10.1.0.0/16 -j MASQUERADE')
      // As kube-proxy does for a Service whose pod is on the worker.
      await host.sh(
        'iptables -t nat -A PREROUTING -d 10.96.0.10 -p tcp --dport 80 -j DNAT --to-destination 10.1.2.5:8080',
      )
      await host.sh('iptables -I FORWARD -m conntrack --ctstate INVALID -j DROP')
    }
    network.start(podOnWorker, [
      process.execPath,
      '-e',
      "require('node:http').createServer((_, answer) => answer.end('worker')).listen(8080)",
    ])
    const outside = plainSpec(gateway, [remote], {
      routes: [
        { cidr: '100.66.0.0/16', gw: bridgeAddress(remote), dev: 'vx-bridge' },
        { cidr: '100.65.2.0/24', gw: localAddress(worker), dev: 'vx-local' },
      ],
    })
    const inside = local(gateway, worker)
    await apply(a1, {
      ...outside,
      devices: [...(outside.devices ?? []), ...(inside.devices ?? [])],
      fdbs: [...(outside.fdbs ?? []), ...(inside.fdbs ?? [])],
      arps: [...(outside.arps ?? []), ...(inside.arps ?? [])],
      inwardRoutes: [{ cidr: '10.1.2.0/24', gw: localAddress(worker), dev: 'vx-local' }],
      translations,
      masquerades: [{ source: '210.0.0.0/8', dev: 'vx-bridge' }],
    })
    await apply(a2, {
      ...local(worker, gateway),
      routes: [{ cidr: '100.66.0.0/16', gw: localAddress(gateway), dev: 'vx-local' }],
      translations,
      nodeTranslations: [{ local: '10.1.2.0/24', global: '100.65.2.0/24', kind: 'Pod' }],
    })
    await apply(
      b1,
      plainSpec(remote, [gateway], {
        routes: ['100.65.0.0/16', '100.97.0.0/16'].map((cidr) => ({
          cidr,
          gw: bridgeAddress(gateway),
          dev: 'vx-bridge',
        })),
        translations: [{ local: '10.1.0.0/16', global: '100.66.0.0/16', kind: 'Pod' }],
      }),
    )
  })
  after(() => network?.end())

  const requests = ['-i', 'pod-b', 'icmp[0] == 8']

  it('lets a pod of any node out by it, known by its global address, though iptables drops and masquerades', async () => {
    const asked = await sniff(network, b1, requests, () => podOnWorker.sh('ping -c 2 -W 2 100.66.0.5'))
    assert.match(asked, /100\.65\.2\.5 > 10\.1\.0\.5/)
  })

  it('lets a pod of any node be reached through it', async () => {
    const asked = await sniff(network, a2, ['-i', 'pod-a', 'icmp[0] == 8'], () =>
      podOfB.sh('ping -c 2 -W 2 100.65.2.5'),
    )
    assert.match(asked, /100\.66\.0\.5 > 10\.1\.2\.5/)
  })

  it('lets a Service be reached through it whose pod is on another node', async () => {
    const answer = await eventually('the Service answers', () =>
      podOfB.sh('curl -s -m 2 http://100.97.0.10/').catch(() => undefined),
    )
    assert.equal(answer, 'worker')
  })

  it('hands packets on through the tunnel of the cluster, since its own network would drop their sources', async () => {
    assert.equal((await a2.sh('sysctl -n net/ipv4/conf/all/rp_filter net/ipv4/conf/eth0/rp_filter')).trim(), '1\n1')
    const outside = await sniff(network, a2, ['-i', 'eth0', 'host 10.1.2.5'], () =>
      podOfB.sh('ping -c 2 -W 2 100.65.2.5'),
    )
    assert.equal(outside, '')
  })

  it('leaves packets of its own cluster to the network of the cluster', async () => {
    const wire = await sniff(network, a2, ['-i', 'vx-local'], () => a1.sh('ping -c 1 -W 2 10.1.2.5'))
    assert.equal(wire, '')
  })

  it('lets nodes out under the address of the gateway', async () => {
    const asked = await sniff(network, b1, requests, () => a2.sh('ping -c 1 -W 2 100.66.0.5'))
    assert.match(asked, /220\.0\.2\.1 > 10\.1\.0\.5/)
  })

  it('offers connections no more than the tunnel carries', async () => {
    const opened = await sniff(network, b1, ['-i', 'pod-b', 'tcp[tcpflags] & tcp-syn != 0'], () =>
      podOnWorker.sh('curl -s -m 1 http://100.66.0.5:9/ || true'),
    )
    assert.match(opened, /mss 1410/)
  })

  it('leaves the rules of iptables as they were', async () => {
    const rules = () => a2.sh('iptables -S; ip6tables -S; iptables -t nat -S')
    const before = await rules()
    assert.match(before, /-i vx-local .*kosmos\.io.* -j ACCEPT/)
    await removeEverything(a2.shell, a2.stateDir)
    const after = await rules()
    assert.equal(after, before.replaceAll(/^.*kosmos\.io.*\n/gm, ''))
  })
})

describe('nodes that have IPv6 only', { skip: unlessRoot }, () => {
  let network: Network
  const [first, second, third] = [{ number: 1 }, { number: 2 }, { number: 3 }] as const
  const spec = (me: { readonly number: number }, others: readonly { readonly number: number }[], parts = {}) => {
    const plain = plainSpec(me, others)
    const { addr, ...device } = bridgeDevice(me)
    assert(addr)
    const { name: dev } = devices.bridge6
    return {
      ...plain,
      devices: [{ ...device, ...devices.bridge6, local: `2001:db8::${me.number}`, mtu: 1430 }],
      fdbs: others.map((other) => ({ ip: `2001:db8::${other.number}`, mac: macOf(other), dev })),
      arps: others.map((other) => ({ ip: bridgeAddress6(other), mac: macOf(other), dev })),
      ...parts,
    }
  }

  before(async () => {
    network = await startNetwork({ a: ['2001:db8::1/64'], b: ['2001:db8::2/64'], c: ['2001:db8::3/64'] })
    const hop = (end: { readonly number: number }) => ({
      cidr: 'fd02::/64',
      gw: bridgeAddress6(end),
      dev: 'vx-bridge-6',
    })
    const routes = [hop(second), hop(third)]
    await apply(hostOf(network, 'a'), spec(first, [second, third], { routes }))
    await apply(hostOf(network, 'b'), spec(second, [first]))
    await apply(hostOf(network, 'c'), spec(third, [first]))
  })
  after(() => network?.end())

  it('reach each other, and share traffic among next hops', async () => {
    const a = hostOf(network, 'a')
    await a.sh('ping -c 1 -W 2 fd22::2; ping -c 1 -W 2 fd22::3')
    assert.match(
      await a.sh('ip -6 route show table 4876'),
      /fd02::\/64.*\n\s+nexthop via fd22::2.*\n\s+nexthop via fd22::3/,
    )
  })

  it('find nothing to do the second time, and go from two next hops to one and back', async () => {
    const a = hostOf(network, 'a')
    const routes = [
      { cidr: 'fd02::/64', gw: bridgeAddress6(second), dev: 'vx-bridge-6' },
      { cidr: 'fd02::/64', gw: bridgeAddress6(third), dev: 'vx-bridge-6' },
    ]
    const both = spec(first, [second, third], { routes })
    assert.deepEqual((await apply(a, both)).steps, [])
    const one = await apply(a, both, [bridgeAddress6(second)])
    assert.deepEqual(
      one.steps.map((step) => step.do),
      ['route.replace'],
    )
    assert.match(await a.sh('ip -6 route show table 4876 fd02::/64'), /^fd02::\/64 via fd22::3 [^\n]*\n$/)
    await apply(a, both)
    assert.match(await a.sh('ip -6 route show table 4876'), /nexthop via fd22::2.*\n\s+nexthop via fd22::3/)
    assert.deepEqual((await apply(a, both)).steps, [])
  })
})
