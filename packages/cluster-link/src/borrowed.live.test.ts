import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Cidr, nthAddress, translate } from '@kosmos/kube/addresses'
import { apply } from './agent/kernel.fixture.ts'
import { eventually, type Host, hostOf, unlessRoot } from './agent/network.fixture.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { addressIn, type PlannedHosts, placeOf, plansOf, startPlanned } from './planned.fixture.ts'

const sketchOf = (networkType: 'p2p' | 'gateway'): ClusterSketch => ({
  networkType,
  tunnel: 'vxlan',
  families: [4],
  nodes: 3,
  gateways: networkType === 'gateway' ? 1 : 0,
  overlapping: false,
  prefix: 16,
})

/**
 * Calico takes an address of another node's network when all of its own are in use; its routes are for the one address.
 * What is known not to work is in docs/how-to/link-clusters.md.
 */
describe('a pod with an address of another node', { skip: unlessRoot }, () => {
  const networks = [buildNetwork([0, 1].map(() => sketchOf('p2p')))]
  const borrowedIn = (cidr: Cidr) => nthAddress(cidr, 9n)
  let hosts: PlannedHosts
  let pod: Host
  let far: Host

  before(async () => {
    hosts = await startPlanned(networks)
    const at = (name: string) => hostOf(hosts.network, placeOf('c0', name))
    const [owner, other] = ['n1', 'n2'].map((name) => networks[0]?.get('c0')?.nodes.get(name))
    assert.ok(owner && other)
    const addresses = networks.flatMap((one) => one.get('c0')?.nodes.get('n1')?.podCIDRs ?? []).map(borrowedIn)
    pod = await hosts.network.pod(at('n2'), 'borrowing', addresses)
    for (const name of ['n0', 'n1'])
      for (const address of addresses) await at(name).sh(`ip route add ${address} via ${other.ip}`)
    const found = hosts.podOn.get(placeOf('c1', 'n1'))
    assert.ok(found)
    far = found
    // It is reached by way of another node, which is not the way of what it sends.
    for (const host of hosts.network.hosts.values())
      await host.sh('for conf in all eth0; do sysctl -qw net/ipv4/conf/$conf/rp_filter=2; done')
    for (const one of [pod, far]) hosts.network.start(one, [process.execPath, '-e', server])
    for (const one of [pod, far])
      await eventually('it listens', () => one.sh('curl -s http://127.0.0.1:8080').catch(() => undefined))
  })
  after(() => hosts?.network.end())

  for (const networkType of ['p2p', 'gateway'] as const) {
    it(`reaches pods of other clusters, and they reach it: ${networkType}`, async () => {
      const link = buildNetwork([0, 1].map(() => sketchOf(networkType)))
      for (const [place, spec] of plansOf(link)) await apply(hostOf(hosts.network, place), spec)
      const seenOf = (cluster: string, cidr: Cidr) => {
        const seen = link
          .get(cluster)
          ?.networks.find(({ kind, local }) => kind === 'Pod' && local.family === cidr.family)
        assert.ok(seen)
        return translate(cidr, seen.local, seen.global)
      }
      const [own] = link.get('c0')?.nodes.get('n1')?.podCIDRs ?? []
      const [others] = link.get('c1')?.nodes.get('n1')?.podCIDRs ?? []
      assert.ok(own && others)
      const there = addressIn(seenOf('c1', others))
      const ways: [Host, string, string, string][] = [
        [pod, borrowedIn(own), there, borrowedIn(seenOf('c0', own))],
        [far, addressIn(others), borrowedIn(seenOf('c0', own)), there],
      ]
      for (const [from, source, target, seen] of ways) {
        await from.sh(`ping -c 1 -W 2 -I ${source} ${target}`)
        assert.equal(await from.sh(`curl -s -m 4 --interface ${source} http://${target}:8080 || true`), seen)
      }
    })
  }
})

/** A web server that says who asks. */
const server = `require('node:http').createServer(({ socket }, answer) => answer.end(socket.remoteAddress)).listen(8080, '0.0.0.0')`
