import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NodeConfigSpec } from '@kosmos/api'
import { type AgentProcess, launchAgent, startAgent } from './agent/agent.fixture.ts'
import { eventually, type Host, hostOf, sniff, unlessRoot } from './agent/network.fixture.ts'
import { lostPings, outage, startPings } from './agent/pings.fixture.ts'
import { removeEverything } from './agent/remove.ts'
import { handedOnTable, ipsecRouting } from './model/names.ts'
import type { LinkCluster, Tunnel } from './model/network.ts'
import { Shares } from './plan/shares.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { type PlannedHosts, placeOf, plansOf, startPlanned, withKeys } from './planned.fixture.ts'

const tunnels: readonly Tunnel[] =
  process.env.KOSMOS_LINK_MATRIX === 'all' ? ['vxlan', 'wireguard', 'ipsec'] : ['vxlan']

function sketchesOf(tunnel: Tunnel): ClusterSketch[] {
  const plain = { tunnel, families: [4, 6], overlapping: false, prefix: 16 } as const
  return [
    { ...plain, networkType: 'gateway', nodes: 4, gateways: 3 },
    { ...plain, networkType: 'p2p', nodes: 1, gateways: 0 },
  ]
}

/** Everything of the kernel that ours could be in. */
const kernelOf = (host: Host) =>
  host.sh('ip rule; ip -6 rule; ip route show table all; ip -6 route show table all; nft list ruleset; ip -br link')

for (const tunnel of tunnels) {
  describe(`a cluster with three gateways, by ${tunnel}`, { skip: unlessRoot }, () => {
    const link = buildNetwork(sketchesOf(tunnel))
    const [cluster, other] = [...link.values()] as [LinkCluster, LinkCluster]
    const toOthers = tunnel === 'vxlan' ? 'vx-bridge' : 'vx-secure'
    let plans: ReadonlyMap<string, NodeConfigSpec>
    const remote = { 4: '10.101.0.5', 6: 'fd00:b1::5' }
    const gateways = ['n0', 'n1', 'n2'].map((name) => placeOf(cluster.name, name))
    const inner = placeOf(cluster.name, 'n3')
    const agents = new Map<string, AgentProcess>()
    const bare = new Map<string, string>()
    let hosts: PlannedHosts
    let pod: Host
    /** The one that the node sends by first, and the others in the order in which they take what it hands on. */
    let first: string
    let others: readonly string[]

    const host = (place: string) => hostOf(hosts.network, place)

    before(async () => {
      hosts = await startPlanned([link])
      plans = plansOf(await withKeys(host, link))
      for (const place of plans.keys()) {
        await eventually(
          'its addresses are settled',
          async () => (await host(place).sh('ip address show tentative')) === '',
        )
        bare.set(place, await kernelOf(host(place)))
      }
      const node = cluster.nodes.get('n3')
      const found = hosts.podOn.get(inner)
      assert.ok(node && found)
      pod = found
      first = placeOf(cluster.name, new Shares(cluster, other).ofNode(node, 4)[0]?.name ?? '')
      others = gateways.filter((place) => place !== first)
      for (const [place, spec] of plans) agents.set(place, await startAgent(hosts.network, host(place), spec))
      await allAnswer()
    })
    after(() => hosts?.network.end())

    /** Between a gateway and the other cluster; within its own cluster it is well. */
    const cut = (place: string) => {
      const { ip } = other.nodes.get('n0') ?? {}
      const chains = ['input', 'output'].map((hook) => {
        const side = hook === 'input' ? 'saddr' : 'daddr'
        return `chain ${hook} { type filter hook ${hook} priority 0; ip ${side} ${ip} drop; };`
      })
      return host(place).sh(`nft 'table ip cut { ${chains.join(' ')} }'`)
    }
    const mend = (place: string) => host(place).sh('nft delete table ip cut')
    const allAnswer = () =>
      eventually('all next hops answer', async () =>
        [...agents.values()].every((agent) => agent.hops().every(({ reachability }) => reachability?.isReachable)),
      )
    const isCutOff = (place: string) =>
      eventually(`${place} has no answer`, async () =>
        agents
          .get(place)
          ?.hops()
          .some(({ address, reachability }) => address.startsWith('220.') && reachability?.isReachable === false),
      )
    const handedOn = (place: string) => host(place).sh(`ip route show table ${handedOnTable} 2>/dev/null || true`)

    const nothingIsHandedOn = () =>
      eventually('nothing is handed on', async () =>
        (await Promise.all(gateways.map(handedOn))).every((routes) => routes === ''),
      )

    it('has nothing to hand on, and no route for that, while all are well', async () => {
      await nothingIsHandedOn()
    })

    it('loses no packet when the agent of the gateway in use is killed ten times in a row, whatever it is doing', async () => {
      const far = host(placeOf(other.name, 'n0'))
      /** What encrypts outlives agents, of the gateway and of its peer. */
      const tunnelsOf = (one: Host) =>
        one.sh(
          'for p in $(pgrep -x "wireguard-go|charon-systemd"); do [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && echo $p; done; true',
        )
      const spec = plans.get(first)
      assert.ok(spec)
      const before = await Promise.all([host(first), far].map(tunnelsOf))
      const pings = startPings(hosts.network, pod, remote[4])
      await sleep(500)
      agents.get(first)?.process.kill('SIGKILL')
      for (let restart = 1; restart <= 10; restart++) {
        const child = await launchAgent(hosts.network, host(first), spec)
        // From before it has read anything to after it has applied all.
        await sleep(restart * 200)
        child.kill('SIGKILL')
      }
      agents.set(first, await startAgent(hosts.network, host(first), spec))
      await allAnswer()
      assert.equal(await lostPings(pings), 0)
      assert.deepEqual(await Promise.all([host(first), far].map(tunnelsOf)), before)
    })

    it('goes on by the third when the first two are cut off from the other cluster only', async (test) => {
      const [second = '', third = ''] = others
      const pings = Object.values(remote).map((address) => startPings(hosts.network, pod, address))
      await sleep(1_000)
      await Promise.all([first, second].map(cut))
      await Promise.all([first, second].map(isCutOff))
      const outages = await Promise.all(pings.map(outage))
      test.diagnostic(`outages of ${outages.join(' and ')} ms (wanted: 1,000)`)
      const seen = await sniff(hosts.network, host(third), ['-i', toOthers, 'icmp[0] == 8'], () =>
        pod.sh(`ping -c 1 -W 2 ${remote[4]}`),
      )
      assert.match(seen, /echo request/)
    })

    it('carries what those gateways and their pods send themselves as well', async () => {
      for (const place of [first, ...others]) {
        for (const address of Object.values(remote)) {
          await host(place).sh(`ping -c 2 -i 0.2 -W 2 ${address}`)
          await hosts.podOn.get(place)?.sh(`ping -c 2 -i 0.2 -W 2 ${address}`)
        }
      }
    })

    it('carries TCP of nodes and pods past what drops packets without a connection, as kube-proxy does', async () => {
      const far = hosts.podOn.get(placeOf(other.name, 'n0'))
      assert.ok(far)
      hosts.network.start(far, [
        process.execPath,
        '-e',
        "require('node:http').createServer((_, answer) => answer.end('far')).listen(8080, '::')",
      ])
      await eventually('it listens', () => far.sh('curl -s http://127.0.0.1:8080').catch(() => undefined))
      const chain = 'chain pass { type filter hook forward priority 0; ct state invalid drop; };'
      for (const place of gateways) await host(place).sh(`nft 'table inet proxy { ${chain} }'`)
      for (const place of [...gateways, inner]) {
        for (const from of [host(place), hosts.podOn.get(place)]) {
          for (const url of [`http://${remote[4]}:8080`, `http://[${remote[6]}]:8080`]) {
            assert.equal(await from?.sh(`curl -s -m 10 ${url} || true`), 'far', `${from?.name} ${url}`)
          }
        }
      }
      for (const place of gateways) await host(place).sh('nft delete table inet proxy')
    })

    it('hides its mark from everybody else', async () => {
      const [second = ''] = others
      await host(second).sh(
        `nft 'table inet looks { chain pass { type filter hook forward priority -10; meta mark != 0 counter accept; };
        chain leave { type filter hook postrouting priority 0; meta mark != 0 counter accept; }; }'`,
      )
      await pod.sh(`ping -c 2 -i 0.2 -W 2 ${remote[4]}`)
      const seen = await host(second).sh('nft list table inet looks; nft delete table inet looks')
      assert.deepEqual(seen.match(/packets \d+/g), ['packets 0', 'packets 0'])
    })

    it('loses no packet when the agents of those that hand on are killed and start again meanwhile', async () => {
      const handingOn = [first, others[0] ?? '']
      const pings = startPings(hosts.network, pod, remote[4])
      await sleep(500)
      const before = await Promise.all(handingOn.map((place) => kernelOf(host(place))))
      for (const place of handingOn) agents.get(place)?.process.kill('SIGKILL')
      for (const place of handingOn) {
        const spec = plans.get(place)
        assert.ok(spec)
        agents.set(place, await startAgent(hosts.network, host(place), spec))
      }
      await sleep(1_500)
      assert.equal(await lostPings(pings), 0)
      const after = await Promise.all(handingOn.map((place) => kernelOf(host(place))))
      // Nor with strongSwan's own routes, which go with a tunnel that it gives up.
      const unlike = new RegExp(`packets \\d+ bytes \\d+|.* table ${ipsecRouting.table} .*\n`, 'g')
      const withoutCounters = (texts: readonly string[]) => texts.map((text) => text.replaceAll(unlike, ''))
      assert.deepEqual(withoutCounters(after), withoutCounters(before))
    })

    it('sends nothing in a circle when all are cut off', async () => {
      const [, third = ''] = others
      await cut(third)
      await isCutOff(third)
      await sleep(1_000)
      let count = 0
      for (const place of gateways) {
        const seen = await sniff(
          hosts.network,
          host(place),
          ['-Q', 'in', '-i', 'vx-local', 'icmp[0] == 8', 'and', 'dst', remote[4]],
          () => pod.sh(`ping -c 1 -W 1 ${remote[4]} || true`),
        )
        count += seen.split('echo request').length - 1
      }
      // To each of them once, and to the first one once more if it is not where handing on begins.
      assert.equal(count, first === gateways[0] ? 3 : 4)
    })

    it('goes by all of them again when they are well, and hands nothing on', async () => {
      for (const place of gateways) await mend(place)
      await allAnswer()
      await nothingIsHandedOn()
      await pod.sh(`ping -c 2 -i 0.2 -W 2 ${remote[4]}`)
    })

    it('carries everything when nothing but the questions of its agents is lost', async () => {
      const far = host(placeOf(other.name, 'n0'))
      const drop = 'icmp type echo-request drop; icmpv6 type echo-request drop;'
      await far.sh(`nft 'table inet deaf { chain input { type filter hook input priority 0; ${drop} }; }'`)
      await Promise.all(gateways.map(isCutOff))
      await eventually('they hand on', async () =>
        (await Promise.all(gateways.map(handedOn))).every((all) => all !== ''),
      )
      for (const place of [...gateways, inner]) {
        for (const from of [host(place), hosts.podOn.get(place)]) {
          for (const address of Object.values(remote)) await from?.sh(`ping -c 2 -i 0.2 -W 2 ${address}`)
        }
      }
      await far.sh('nft delete table inet deaf')
      await allAnswer()
    })

    it('leaves nothing behind, wherever it handed on', async () => {
      await cut(first)
      await isCutOff(first)
      await eventually('it hands on', async () =>
        (await host(gateways[0] ?? '').sh('ip rule')).includes(`${handedOnTable}`),
      )
      for (const agent of agents.values()) agent.process.kill('SIGKILL')
      await mend(first)
      for (const place of plans.keys()) {
        await removeEverything(host(place).shell, host(place).stateDir)
        assert.equal(await kernelOf(host(place)), bare.get(place), place)
      }
    })
  })
}
