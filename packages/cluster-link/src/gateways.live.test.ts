import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AgentProcess, startAgent } from './agent/agent.fixture.ts'
import { apply } from './agent/kernel.fixture.ts'
import { eventually, type Host, hostOf, sniff, unlessRoot } from './agent/network.fixture.ts'
import { lostPings, outage, startPings } from './agent/pings.fixture.ts'
import type { LinkCluster, LinkNode } from './model/network.ts'
import { Shares } from './plan/shares.ts'
import { buildNetwork, type ClusterSketch } from './plan/testing/networks.ts'
import { addressIn, type PlannedHosts, placeOf, plansOf, startPlanned } from './planned.fixture.ts'

const plain = { tunnel: 'vxlan', families: [4], overlapping: true, prefix: 16 } as const
const sketches: readonly ClusterSketch[] = [
  { ...plain, networkType: 'gateway', nodes: 4, gateways: 2 },
  { ...plain, networkType: 'p2p', nodes: 1, gateways: 0 },
]

/** The address by which the other cluster knows the pod on a node of the first one. */
const globalOf = ({ podCIDRs: [cidr] }: LinkNode): string => {
  assert.ok(cidr)
  return addressIn(cidr).replace('10.90.', '100.64.')
}

/** A node behind gateways, and the ones that it sends by. */
interface Inner {
  readonly node: LinkNode
  readonly pod: Host
  readonly first: string
}

describe('a cluster with two gateways, whose networks are translated', { skip: unlessRoot }, () => {
  const link = buildNetwork(sketches)
  const [cluster, other] = [...link.values()] as [LinkCluster, LinkCluster]
  const plans = plansOf(link)
  const remote = '100.65.0.5'
  let hosts: PlannedHosts
  const agents = new Map<string, AgentProcess>()
  /** Two that have different gateways first. */
  let inner: readonly [Inner, Inner]

  before(async () => {
    hosts = await startPlanned([link])
    const shares = new Shares(cluster, other)
    const behind = [...cluster.nodes.values()]
      .filter(({ isGateway }) => !isGateway)
      .map((node): Inner => {
        const pod = hosts.podOn.get(placeOf(cluster.name, node.name))
        assert.ok(pod)
        return { node, pod, first: placeOf(cluster.name, shares.ofNode(node, 4)[0]?.name ?? '') }
      })
    const [one] = behind
    const another = behind.find(({ first }) => first !== one?.first)
    assert.ok(one && another, 'the names make both gateways be the first of some nodes')
    inner = [one, another]
    for (const [place, spec] of plans) {
      agents.set(place, await startAgent(hosts.network, hostOf(hosts.network, place), spec))
    }
    await allAnswer()
  })
  after(() => hosts?.network.end())

  it('sends by both of them, and each sees both ways of what it carries', async () => {
    for (const { node, pod, first } of inner) {
      for (const gateway of ['n0', 'n1'].map((name) => placeOf(cluster.name, name))) {
        const seen = await sniff(
          hosts.network,
          hostOf(hosts.network, gateway),
          ['-i', 'vx-bridge', 'icmp and net 100.64.0.0/15'],
          () => pod.sh(`ping -c 3 -i 0.2 -W 2 ${remote}`),
        )
        const count = (what: string) => seen.split(`ICMP echo ${what},`).length - 1
        const expected = gateway === first ? 3 : 0
        assert.deepEqual(
          [count('request'), count('reply')],
          [expected, expected],
          `${node.name} by ${gateway}: ${seen}`,
        )
      }
    }
  })

  it('is reached by both of them', async () => {
    const podOfOther = hosts.podOn.get(placeOf(other.name, 'n0'))
    assert.ok(podOfOther)
    for (const { node, first } of inner) {
      const target = globalOf(node)
      const seen = await sniff(
        hosts.network,
        hostOf(hosts.network, first),
        ['-i', 'vx-bridge', 'icmp and net 100.64.0.0/15'],
        () => podOfOther.sh(`ping -c 1 -W 2 ${target}`),
      )
      assert.match(seen, /echo request/)
    }
  })

  /** Between a gateway and the other cluster; within its own cluster it is well. */
  const cut = (gateway: string) => {
    const { ip } = other.nodes.get('n0') ?? {}
    const chains = ['input', 'output'].map((hook) => {
      const side = hook === 'input' ? 'saddr' : 'daddr'
      return `chain ${hook} { type filter hook ${hook} priority 0; ip ${side} ${ip} drop; };`
    })
    return hostOf(hosts.network, gateway).sh(`nft 'table ip cut { ${chains.join(' ')} }'`)
  }
  const allAnswer = () =>
    eventually('all next hops answer', async () =>
      [...agents.values()].every((agent) => agent.hops().every(({ reachability }) => reachability?.isReachable)),
    )

  it('goes on by the other when one is cut off from the other cluster only', async (test) => {
    const [victim, witness] = inner
    const podOfOther = hosts.podOn.get(placeOf(other.name, 'n0'))
    assert.ok(podOfOther)
    const ofWitness = startPings(hosts.network, witness.pod, remote)
    const ofVictim = {
      there: startPings(hosts.network, victim.pod, remote),
      back: startPings(hosts.network, podOfOther, globalOf(victim.node)),
    }
    await sleep(1_000)
    await cut(victim.first)
    const outages = await Promise.all(Object.values(ofVictim).map(outage))
    test.diagnostic(`there and back: outages of ${outages.join(' and ')} ms (wanted: 1,000)`)
    assert.equal(await lostPings(ofWitness), 0)
  })

  it('carries TCP of nodes meanwhile, past what drops packets without a connection, as kube-proxy does', async () => {
    const [victim] = inner
    const podOfOther = hosts.podOn.get(placeOf(other.name, 'n0'))
    assert.ok(podOfOther)
    hosts.network.start(podOfOther, [
      process.execPath,
      '-e',
      "require('node:http').createServer((_, answer) => answer.end('far')).listen(8080)",
    ])
    await eventually('it listens', () => podOfOther.sh('curl -s http://127.0.0.1:8080').catch(() => undefined))
    const gateway = hostOf(hosts.network, victim.first)
    const chain = 'chain pass { type filter hook forward priority 0; ct state invalid drop; };'
    await gateway.sh(`nft 'table inet proxy { ${chain} }'`)
    const node = hostOf(hosts.network, placeOf(cluster.name, victim.node.name))
    assert.equal(await node.sh(`curl -s -m 10 http://${remote}:8080 || true`), 'far')
    await gateway.sh('nft delete table inet proxy')
  })

  it('sends nothing back and forth between gateways that are both cut off', async () => {
    const [victim, witness] = inner
    await cut(witness.first)
    await eventually('neither has an answer', async () =>
      [victim, witness].every(({ first }) =>
        agents
          .get(first)
          ?.hops()
          .some(({ address, reachability }) => address.startsWith('220.') && reachability?.isReachable === false),
      ),
    )
    const seen = await sniff(
      hosts.network,
      hostOf(hosts.network, victim.first),
      ['-i', 'vx-local', 'icmp[0] == 8', 'and', 'dst', remote],
      () => victim.pod.sh(`ping -c 1 -W 1 ${remote} || true`),
    )
    // From the node, and on to the other gateway.
    assert.equal(seen.split('echo request').length - 1, 2, seen)
    for (const { first } of inner) {
      await hostOf(hosts.network, first).sh('nft delete table ip cut')
      await eventually('it carries again what it should', async () =>
        /dev vx-bridge/.test(await hostOf(hosts.network, first).sh(`ip route get ${remote}`)),
      )
    }
    await allAnswer()
  })

  it('carries everything when nothing but the questions of its agents is lost', async () => {
    const far = hostOf(hosts.network, placeOf(other.name, 'n0'))
    const input = 'type filter hook input priority 0; icmp type echo-request drop;'
    await far.sh(`nft 'table inet deaf { chain input { ${input} }; }'`)
    for (const { first } of inner) {
      await eventually(`${first} takes the other cluster for dead, and hands on`, async () =>
        /dev vx-local/.test(await hostOf(hosts.network, first).sh(`ip route get ${remote}`)),
      )
    }
    for (const { pod } of inner) await pod.sh(`ping -c 3 -i 0.2 -W 2 ${remote}`)
    await far.sh('nft delete table inet deaf')
    await allAnswer()
  })

  it('goes on by the other when one is cut off, and what the other carries loses nothing', async (test) => {
    const [victim, witness] = inner
    const pings = [victim, witness].map(({ pod }) => startPings(hosts.network, pod, remote))
    await sleep(1_000)
    await hostOf(hosts.network, victim.first).sh('ip link set dev eth0 down')
    const [ofVictim, ofWitness] = pings
    assert.ok(ofVictim && ofWitness)
    test.diagnostic(`outage of ${await outage(ofVictim)} ms (wanted: 1,000)`)
    assert.equal(await lostPings(ofWitness), 0)
  })

  it('loses no packet when a gateway is drained and then goes, though it hears of it first and the others one by one', async () => {
    const [{ first: leaving }] = inner
    const host = hostOf(hosts.network, leaving)
    await host.sh('ip link set dev eth0 up')
    await allAnswer()
    // From now on nobody notices that it is away: packets may not go there.
    for (const agent of agents.values()) agent.process.kill('SIGKILL')
    const nodes = [...cluster.nodes].map(([name, node]): [string, LinkNode] => [
      name,
      { ...node, isStandby: placeOf(cluster.name, name) === leaving },
    ])
    const drained = plansOf(new Map(link).set(cluster.name, { ...cluster, nodes: new Map(nodes) }))
    const podOfOther = hosts.podOn.get(placeOf(other.name, 'n0'))
    assert.ok(podOfOther)
    const pings = [
      ...inner.map(({ pod }) => startPings(hosts.network, pod, remote)),
      ...inner.map(({ node }) => startPings(hosts.network, podOfOther, globalOf(node))),
    ]
    await sleep(500)
    for (const place of new Set([leaving, ...drained.keys()])) {
      const spec = drained.get(place)
      assert.ok(spec)
      await apply(hostOf(hosts.network, place), spec)
      await sleep(200)
    }
    await host.sh('ip link set dev eth0 down')
    await sleep(1_000)
    assert.deepEqual(await Promise.all(pings.map(lostPings)), [0, 0, 0, 0])
  })
})
