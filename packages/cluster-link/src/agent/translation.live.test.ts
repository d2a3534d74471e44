import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { apply } from './kernel.fixture.ts'
import { type Host, hostOf, type Network, sniff, startNetwork, unlessRoot } from './network.fixture.ts'
import { bridgeAddress, bridgeAddress6, type End, plainSpec } from './node-config.fixture.ts'

const [first, second]: End[] = [{ number: 1 }, { number: 2 }] as const

/** Both clusters use 10.1.0.0/16 for pods and 10.96.0.0/16 for Services; the others see 100.64+n and 100.96+n. */
const specOf = (me: End, other: End) =>
  plainSpec(me, [other], {
    routes: [
      ...[`100.${64 + other.number}.0.0/16`, `100.${96 + other.number}.0.0/16`].map((cidr) => ({
        cidr,
        gw: bridgeAddress(other),
        dev: 'vx-bridge',
      })),
      ...[`fd64:${other.number}::/64`, `fd96:${other.number}::/112`].map((cidr) => ({
        cidr,
        gw: bridgeAddress6(other),
        dev: 'vx-bridge',
      })),
    ],
    translations: [
      { local: '10.1.0.0/16', global: `100.${64 + me.number}.0.0/16`, kind: 'Pod' },
      { local: 'fd01::/64', global: `fd64:${me.number}::/64`, kind: 'Pod' },
      { local: '10.96.0.0/16', global: `100.${96 + me.number}.0.0/16`, kind: 'Service' },
      { local: 'fd00:96::/112', global: `fd96:${me.number}::/112`, kind: 'Service' },
    ],
  })

describe('two clusters with the same networks', { skip: unlessRoot }, () => {
  let network: Network
  let a: Host
  let b: Host
  let podOfA: Host
  let podOfB: Host

  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24'], b: ['192.0.2.2/24'] })
    a = hostOf(network, 'a')
    b = hostOf(network, 'b')
    podOfA = await network.pod(a, 'pod-a', ['10.1.0.5', 'fd01::5'])
    podOfB = await network.pod(b, 'pod-b', ['10.1.0.5', 'fd01::5'])
    await apply(a, specOf(first, second))
    await apply(b, specOf(second, first))
  })
  after(() => network?.end())

  it('reach each other by global addresses, and each sees the global address of who asks', async () => {
    const asked = await sniff(network, podOfB, ['-i', 'eth0', 'icmp[0] == 8 or (icmp6 and ip6[40] == 128)'], () =>
      podOfA.sh('ping -c 1 -W 2 100.66.0.5; ping -c 1 -W 2 fd64:2::5'),
    )
    assert.match(asked, /100\.65\.0\.5 > 10\.1\.0\.5/)
    assert.match(asked, /fd64:1::5 > fd01::5/)
    await podOfB.sh('ping -c 1 -W 2 100.65.0.5; ping -c 1 -W 2 fd64:1::5')
  })

  describe('with a Service that kube-proxy translates', () => {
    let other: Host

    before(async () => {
      other = await network.pod(b, 'pod-b2', ['10.1.0.6', 'fd01::6'])
      const start = (pod: Host, name: string) =>
        network.start(pod, [process.execPath, '-e', server(name)]).stdout?.setEncoding('utf8')
      start(podOfB, 'pod-b')
      start(other, 'pod-b2')
      await b.sh(`nft '
        table inet kube-proxy {
          chain services {
            type nat hook prerouting priority dstnat
            ip daddr 10.96.0.10 tcp dport 80 dnat ip to 10.1.0.5:8080
            ip daddr 10.96.0.11 tcp dport 80 dnat ip to 10.1.0.6:8080
            ip6 daddr fd00:96::10 tcp dport 80 dnat ip6 to [fd01::5]:8080
          }
          chain post { type nat hook postrouting priority srcnat; oifname "vx-bridge" masquerade; }
        }'`)
    })

    const get = (address: string) =>
      podOfA.sh(
        `for i in 1 2 3 4 5 6 7 8 9 10; do curl -s -m 2 'http://${address}/' && exit 0; sleep 0.2; done; exit 1`,
      )

    it('reach it by its global address', async () => {
      assert.equal(await get('100.98.0.10'), 'pod-b')
      assert.equal(await get('100.98.0.11'), 'pod-b2')
    })

    it('reach it in IPv6', async () => {
      assert.equal(await get('[fd96:2::10]'), 'pod-b')
    })

    it('get the answer by this node, wherever the pod is', async () => {
      const asked = await sniff(network, podOfB, ['-i', 'eth0', 'tcp[tcpflags] & tcp-syn != 0'], () =>
        get('100.98.0.10'),
      )
      // The address of the node towards the pod, as kube-proxy does for packets from outside.
      assert.match(asked, /169\.254\.1\.1\.\d+ > 10\.1\.0\.5\.8080/)
    })
  })
})

/** A web server of both families that says its name. */
const server = (name: string) =>
  `require('node:http').createServer((_, answer) => answer.end('${name}')).listen(8080, '::')`
