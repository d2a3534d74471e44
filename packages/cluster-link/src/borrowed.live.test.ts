import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Cidr, nthAddress, translate } from '@kosmos/kube/addresses'
import { apply } from './agent/kernel.fixture.ts'
import { eventually, type Host, hostOf, unlessRoot } from './agent/network.fixture.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { addressIn, type PlannedHosts, placeOf, plansOf, startPlanned } from './planned.fixture.ts'

interface Variant {
  readonly networkType: 'p2p' | 'gateway'
  readonly overlapping: boolean
}

const sketchOf = ({ networkType, overlapping }: Variant): ClusterSketch => ({
  networkType,
  tunnel: 'vxlan',
  families: [4],
  nodes: 3,
  gateways: networkType === 'gateway' ? 1 : 0,
  overlapping,
  prefix: 16,
})

const variants = (['p2p', 'gateway'] as const).flatMap((networkType) =>
  [false, true].map((overlapping) => ({ networkType, overlapping })),
)

/** Calico takes an address of another node's network when all of its own are in use; its routes are for the one address. */
describe('a pod with an address of another node', { skip: unlessRoot }, () => {
  const networks = [false, true].map((overlapping) =>
    buildNetwork([0, 1].map(() => sketchOf({ networkType: 'p2p', overlapping }))),
  )
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
    // As kube-proxy does: what came another way than its beginning does not pass.
    const chain = 'chain pass { type filter hook forward priority 0; ct state invalid drop; };'
    for (const name of ['n0', 'n1', 'n2']) await at(name).sh(`nft 'table inet proxy { ${chain} }'`)
    for (const one of [pod, far]) hosts.network.start(one, [process.execPath, '-e', server])
    for (const one of [pod, far])
      await eventually('it listens', () => one.sh('curl -s http://127.0.0.1:8080').catch(() => undefined))
  })
  after(() => hosts?.network.end())

  for (const variant of variants) {
    it(`reaches pods of other clusters, and they reach it: ${variant.networkType}, ${variant.overlapping ? 'with the same networks' : 'with networks of their own'}`, async () => {
      const link = buildNetwork([
        {
          ...sketchOf(variant),
          borrowed: [
            [1, 2],
            [1, 0],
          ],
        },
        sketchOf(variant),
      ])
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
