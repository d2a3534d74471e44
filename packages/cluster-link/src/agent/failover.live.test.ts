import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NodeConfigSpec } from '@kosmos/api'
import { type AgentProcess, startAgent } from './agent.fixture.ts'
import { apply } from './kernel.fixture.ts'
import { eventually, type Host, hostOf, type Network, startNetwork, unlessRoot } from './network.fixture.ts'
import { bridgeAddress, type End, plainSpec } from './node-config.fixture.ts'
import { lostPings, outage, startPings } from './pings.fixture.ts'

const [me, first, second]: End[] = [{ number: 1 }, { number: 2 }, { number: 3 }] as const
const via = (cidr: string, end: End, metric = 0) => ({ cidr, gw: bridgeAddress(end), dev: 'vx-bridge', metric })

describe('a node with two gateways', { skip: unlessRoot }, () => {
  let network: Network
  let a: Host
  let agent: AgentProcess

  const spec: NodeConfigSpec = plainSpec(me, [first, second], {
    routes: [via('10.2.0.0/16', first), via('10.2.0.0/16', second)],
  })

  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24'], g2: ['192.0.2.2/24'], g3: ['192.0.2.3/24'] })
    a = hostOf(network, 'a')
    for (const gateway of [first, second]) {
      const host = hostOf(network, `g${gateway.number}`)
      // Behind either of them is the same pod.
      await host.sh('ip address add 10.2.0.5/32 dev lo')
      await apply(host, plainSpec(gateway, [me]))
    }
    agent = await startAgent(network, a, spec)
    await eventually('both answer', async () => agent.hops().every(({ reachability }) => reachability?.isReachable))
  })
  after(() => network?.end())

  const switchPort = (gateway: string, state: 'up' | 'down') =>
    hostOf(network, gateway).sh(`ip link set dev eth0 ${state}`)
  const gatewayInUse = async () => {
    const [, number] = /via 220\.0\.2\.(\d)/.exec(await a.sh('ip route get 10.2.0.5')) ?? []
    return `g${number}`
  }

  it('shares the traffic among them', async () => {
    const route = await a.sh('ip route show table 4876 10.2.0.0/16')
    assert.match(route, /nexthop via 220\.0\.2\.2.*\n.*nexthop via 220\.0\.2\.3/)
  })

  it('goes on by the other when one is cut off', async (test) => {
    const gateway = await gatewayInUse()
    const pinging = startPings(network, a, '10.2.0.5')
    await sleep(1_000)
    await switchPort(gateway, 'down')
    test.diagnostic(`outage of ${await outage(pinging)} ms (wanted: 1,000)`)
    assert.notEqual(await gatewayInUse(), gateway)
    const dead = agent.hops().filter(({ reachability }) => reachability?.isReachable === false)
    assert.deepEqual(
      dead.map(({ address }) => `g${address.at(-1)}`),
      [gateway],
    )
  })

  it('loses nothing when its agent is killed and starts again while one is dead', async () => {
    const pinging = startPings(network, a, '10.2.0.5')
    await sleep(500)
    agent.process.kill('SIGKILL')
    agent = await startAgent(network, a, spec)
    await sleep(3_000)
    assert.equal(await lostPings(pinging), 0)
  })

  it('shares again when it is back', async () => {
    for (const gateway of ['g2', 'g3']) await switchPort(gateway, 'up')
    // What the kernel dropped with the link.
    await eventually('both are in the route', async () => {
      const route = await a.sh('ip route show table 4876 10.2.0.0/16')
      return route.split('nexthop').length === 3
    })
  })

  it('loses no packet and writes nothing when its agent is killed and starts again', async () => {
    const pinging = startPings(network, a, '10.2.0.5')
    const monitors = ['ip -timestamp monitor link address route rule netconf', 'nft monitor'].map((command) =>
      network.start(a, command.split(' ')),
    )
    let written = ''
    for (const monitor of monitors) monitor.stdout?.on('data', (chunk) => (written += chunk))
    await sleep(500)
    agent.process.kill('SIGKILL')
    agent = await startAgent(network, a, spec)
    await eventually('both answer', async () => agent.hops().every(({ reachability }) => reachability?.isReachable))
    await sleep(1_000)
    assert.equal(await lostPings(pinging), 0)
    assert.equal(written, '')
  })

  it('keeps sending when none of them answers', async () => {
    const block =
      'nft add table ip block; nft add chain ip block in "{ type filter hook input priority 0; }"; nft add rule ip block in icmp type echo-reply ip saddr 220.0.0.0/8 drop'
    await a.sh(block)
    await eventually('both are taken for dead', async () =>
      agent.hops().every(({ reachability }) => reachability?.isReachable === false),
    )
    await sleep(300)
    const route = await a.sh('ip route show table 4876 10.2.0.0/16')
    assert.equal(route.split('nexthop').length, 3)
    await a.sh('nft delete table ip block')
    await eventually('both answer', async () => agent.hops().every(({ reachability }) => reachability?.isReachable))
  })

  const damages = {
    'a route': 'ip route delete 10.2.0.0/16 table 4876',
    'every route': 'ip route flush table 4876',
    'the rule': 'ip rule delete pref 30000',
    'the device': 'ip link delete vx-bridge',
    'the state of the device': 'ip link set vx-bridge down',
    'its address': 'ip address flush dev vx-bridge',
    'its MTU': 'ip link set vx-bridge mtu 1200',
    'a neighbour': 'ip neigh delete 220.0.2.2 dev vx-bridge',
    'a forwarding entry': 'bridge fdb delete 02:00:00:00:00:02 dev vx-bridge dst 192.0.2.2 self',
    'the reverse path filter': 'sysctl -qw net/ipv4/conf/vx-bridge/rp_filter=1',
    'the table of nft': 'nft delete table inet kosmos_link',
    'all tables of nft': 'nft flush ruleset',
  }
  const image =
    'ip -details address show dev vx-bridge | sed "s/^[0-9]*//"; ip route show table 4876; ip -6 route show table 4876; ip rule; ip neigh show dev vx-bridge | sort; bridge fdb show dev vx-bridge | sort; nft -s list ruleset; sysctl net/ipv4/conf/vx-bridge/rp_filter'

  const look = () => a.shell.run(['sh', '-c', `(${image}) 2>&1 || true`])
  let whole: string | undefined

  for (const [what, damage] of Object.entries(damages)) {
    it(`repairs ${what} that others change`, async (test) => {
      whole ??= await look()
      await a.sh(damage)
      const damagedAt = performance.now()
      let seen = ''
      const isWhole = async () => {
        seen = await look()
        return seen === whole
      }
      await eventually('it is repaired', isWhole).catch(() => assert.equal(seen, whole))
      test.diagnostic(`repaired after ${Math.round(performance.now() - damagedAt)} ms`)
      await sleep(300)
    })
  }

  it('lets packets through a chain that others close, at once and when they make it anew', async () => {
    const close = `table inet others { chain pass { type filter hook forward priority filter; policy drop; }; }`
    const isOpened = async () => (await a.sh('nft list table inet others')).split('kosmos.io').length === 3
    for (const script of [`nft '${close}'`, `nft 'delete table inet others; ${close}'`]) {
      await a.sh(script)
      await eventually('it is opened', isOpened)
    }
    await a.sh('nft delete table inet others; iptables -P FORWARD DROP')
    const rules = () => a.sh('iptables -S FORWARD')
    await eventually('iptables lets pass', async () => (await rules()).includes('-o vx-bridge'))
    await a.sh('iptables -F FORWARD; iptables -A FORWARD -j REJECT')
    await eventually('iptables lets pass again', async () => / -o vx-bridge [\s\S]* -j REJECT/.test(await rules()))
  })
})
