import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { formatCidr } from '@kosmos/kube/addresses'
import { apply } from './agent/kernel.fixture.ts'
import { eventually, type Host, hostOf, unlessRoot } from './agent/network.fixture.ts'
import type { LinkCluster } from './model/network.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { pairsOfPods } from './plan/testing/pods.ts'
import { type PlannedHosts, placeOf, plansOf, startPlanned } from './planned.fixture.ts'

const sketch: ClusterSketch = {
  networkType: 'gateway',
  tunnel: 'vxlan',
  families: [4, 6],
  nodes: 3,
  gateways: 1,
  overlapping: true,
  prefix: 16,
}

/** The node that was there before the upgrade; the other one came after it. */
const earlier = 'n1'

const ofEarlier = ({ nodes }: LinkCluster): ReadonlySet<string> =>
  new Set((nodes.get(earlier)?.podCIDRs ?? []).map(formatCidr))

describe('clusters with the same networks after an upgrade', { skip: unlessRoot }, () => {
  const link = buildNetwork([sketch, sketch])
  let hosts: PlannedHosts
  const podAt = (place: string): Host => {
    const host = hosts.podOn.get(place.replace('/', ''))
    assert.ok(host)
    return host
  }

  before(async () => {
    hosts = await startPlanned([link])
    // As kube-proxy does.
    const chain = 'chain pass { type filter hook forward priority 0; ct state invalid drop; };'
    for (const host of hosts.network.hosts.values()) await host.sh(`nft 'table inet proxy { ${chain} }'`)
    for (const [place, spec] of plansOf(link, ofEarlier)) await apply(hostOf(hosts.network, place), spec)
    for (const pod of hosts.podOn.values()) hosts.network.start(pod, [process.execPath, '-e', server])
  })
  after(() => hosts?.network.end())

  it('have pods that gateways translate beside others that nodes do, and each of them reaches each', async () => {
    for (const [from, to] of pairsOfPods(link)) {
      const url = `http://${from.family === 6 ? `[${to.global}]` : to.global}:8080/`
      const asked = `curl -s -m 2 --interface ${from.address} '${url}'`
      const seen = await eventually(`${from.place} reaches ${to.place}`, () =>
        podAt(from.place)
          .sh(asked)
          .catch(() => undefined),
      )
      assert.equal(seen, from.global)
    }
  })

  it('send errors about packets to the pods that nodes translate', async () => {
    const pod = podAt(`${placeOf('c0', '')}/n2`)
    const [[, to] = []] = [...pairsOfPods(link)].filter(
      ([from, { place }]) => from.place === 'c0/n2' && place === 'c1/n2',
    )
    assert.ok(to)
    assert.match(await pod.sh(`ping -c 1 -W 2 -t 3 ${to.global} || true`), /Time to live exceeded/)
  })
})

/** A web server of both families that says who asks. */
const server = `require('node:http').createServer(({ socket }, answer) => answer.end(socket.remoteAddress.replace('::ffff:', ''))).listen(8080, '::')`
