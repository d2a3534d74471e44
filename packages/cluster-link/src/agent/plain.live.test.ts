import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { NodeConfigSpec } from '@kosmos/api'
import { apply } from './kernel.fixture.ts'
import { readFigures } from './metrics/read.ts'
import { eventually, type Host, hostOf, type Network, sniff, startNetwork, unlessRoot } from './network.fixture.ts'
import { bridgeAddress, bridgeAddress6, bridgeDevice, type End, macOf, plainSpec } from './node-config.fixture.ts'
import { removeEverything } from './remove.ts'

const [first, second, stranger]: End[] = [{ number: 1 }, { number: 2 }, { number: 3 }] as const

const specOf = (me: End, other: End) =>
  plainSpec(me, [other], {
    routes: [
      { cidr: `10.${other.number}.0.0/16`, gw: bridgeAddress(other), dev: 'vx-bridge' },
      { cidr: `fd0${other.number}::/64`, gw: bridgeAddress6(other), dev: 'vx-bridge' },
    ],
    translations: [
      { local: `10.${me.number}.0.0/16`, global: `10.${me.number}.0.0/16`, kind: 'Pod' },
      { local: `fd0${me.number}::/64`, global: `fd0${me.number}::/64`, kind: 'Pod' },
    ],
  })

/** Everything that anybody can see of the network of a host, counters left out. */
const everything = `
  ip -details link; ip address | grep -v valid_lft; ip route show table all; ip -6 route show table all
  ip rule; ip -6 rule; nft -s list ruleset; bridge fdb; ip neigh show nud permanent; ip xfrm policy
  sysctl -a 2>/dev/null | grep -E '^net[.](ipv4|ipv6|netfilter)' | grep -vE 'count|dst_entries|neigh|stable_secret|fib_sync_mem'`

describe('two nodes in clear text', { skip: unlessRoot }, () => {
  let network: Network
  let a: Host
  let b: Host
  let podOfA: Host

  before(async () => {
    network = await startNetwork({
      a: ['192.0.2.1/24', '2001:db8::1/64'],
      b: ['192.0.2.2/24', '2001:db8::2/64'],
      c: ['192.0.2.3/24'],
    })
    a = hostOf(network, 'a')
    b = hostOf(network, 'b')
    podOfA = await network.pod(a, 'pod-a', ['10.1.0.5', 'fd01::5'])
    await network.pod(b, 'pod-b', ['10.2.0.5', 'fd02::5'])
    await apply(a, specOf(first, second))
    await apply(b, specOf(second, first))
  })
  after(() => network?.end())

  it('let pods reach each other in both families, and each sees who asks', async () => {
    const cni = 'type nat hook postrouting priority srcnat'
    await a.sh(`nft 'table inet cni { chain post { ${cni}; oifname "vx-bridge" masquerade; }; }'`)
    const asked = await sniff(network, b, ['-i', 'pod-b', 'icmp[0] == 8 or (icmp6 and ip6[40] == 128)'], () =>
      podOfA.sh('ping -c 2 -W 2 10.2.0.5; ping -c 2 -W 2 fd02::5'),
    )
    await a.sh('nft delete table inet cni')
    assert.match(asked, /10\.1\.0\.5 > 10\.2\.0\.5/)
    assert.match(asked, /fd01::5 > fd02::5/)
  })

  it('find nothing to do the second time', async () => {
    assert.deepEqual((await apply(a, specOf(first, second))).steps, [])
  })

  it('drop and count what comes from anybody else', async () => {
    const c = hostOf(network, 'c')
    // It knows everything, and says that it is the other one.
    await apply(c, {
      ...specOf(second, first),
      devices: [{ ...bridgeDevice(stranger), addr: '220.0.2.2/32', mac: macOf(second) }],
    })
    await c.sh('ping -c 3 -i 0.1 -W 1 220.0.2.1 || true')
    const rules = await a.sh('nft list chain inet kosmos_link input')
    assert.match(rules, /ip saddr != 192\.0\.2\.2 counter packets 3 /)
    assert.equal((await readFigures(a, specOf(first, second))).drops.get('unknown-peer'), 3)
  })

  it('count what goes to and comes from each other end', async () => {
    const countedBy = async (host: Host, spec: NodeConfigSpec, end: string) => {
      const { tunnels, devices, read } = await readFigures(host, spec)
      assert.deepEqual([...read.values()], [true, true])
      const of = (way: string) => tunnels.find((one) => one.end === end && one.direction === way)?.packets ?? Number.NaN
      const { counts } = devices.find(({ device }) => device === 'vx-bridge') ?? assert.fail('no vx-bridge')
      return [of('receive'), of('transmit'), counts.receive.packets, counts.transmit.packets]
    }
    const look = async () => [
      ...(await countedBy(a, specOf(first, second), '192.0.2.2')),
      ...(await countedBy(b, specOf(second, first), '192.0.2.1')),
    ]
    const before = await look()
    await podOfA.sh('ping -c 7 -i 0.05 -W 2 10.2.0.5')
    const after = await look()
    assert.deepEqual(
      after.map((count, index) => count - (before[index] ?? 0)),
      [7, 7, 7, 7, 7, 7, 7, 7],
    )
  })

  it('carry nothing from one cluster to another one', async () => {
    const third = stranger
    const c = hostOf(network, 'c')
    const hop = (cidr: string, end: End) => ({ cidr, gw: bridgeAddress(end), dev: 'vx-bridge' })
    const routes = [hop('10.1.0.0/16', first), hop('10.3.0.0/16', third)]
    await apply(b, { ...plainSpec(second, [first, third], { routes }) })
    // Both take b for the way to each other, against all plans.
    await apply(a, plainSpec(first, [second], { routes: [hop('10.2.0.0/16', second), hop('10.3.0.0/16', second)] }))
    await removeEverything(c.shell, c.stateDir)
    await apply(c, plainSpec(third, [second], { routes: [hop('10.1.0.0/16', second)] }))
    const wire = await sniff(network, c, ['-i', 'eth0', 'udp port 4876'], () =>
      podOfA.sh('ping -c 3 -i 0.1 -W 1 10.3.0.5 || true'),
    )
    assert.doesNotMatch(wire, /10\.3\.0\.5/)
    const rules = await b.sh('nft list chain inet kosmos_link forward_transit')
    assert.match(rules, /oifname "?vx-bridge"? counter packets 3 /)
    await apply(a, specOf(first, second))
    await apply(b, specOf(second, first))
    await podOfA.sh('ping -c 1 -W 2 10.2.0.5')
  })

  it('change addresses and MTU while packets pass', async () => {
    const spec = specOf(first, second)
    const [device] = spec.devices ?? []
    assert(device)
    const changed = { ...spec, devices: [{ ...device, mtu: 1400, addr: '220.0.2.77/32' }] }
    const { steps } = await apply(a, changed)
    assert.deepEqual(
      steps.map((step) => step.do),
      ['link.set', 'address.add', 'route.replace', 'route.replace', 'address.delete'],
    )
    await apply(a, spec)
    await podOfA.sh('ping -c 1 -W 2 10.2.0.5')
  })

  it('keep what was there when the kernel refuses a change', async () => {
    const spec = specOf(first, second)
    const before = await a.sh(everything)
    const refused = [...(spec.routes ?? []), { cidr: '10.9.0.0/16', gw: '220.0.2.2', dev: 'vx-nowhere' }]
    const moved = { ...spec, devices: [{ ...bridgeDevice(first), mtu: 1300 }], routes: refused }
    await assert.rejects(apply(a, moved), /route replace 10\.9\.0\.0\/16.*vx-nowhere/)
    assert.equal(await a.sh(everything), before)
    await podOfA.sh('ping -c 1 -W 2 10.2.0.5')
  })

  it('leave nothing behind when they are removed', async () => {
    const d = await network.pod(a, 'pod-d', ['10.1.0.6'])
    await d.sh('sysctl -qw net/ipv4/ip_forward=1')
    await eventually(
      'its address is known to be its own',
      async () => (await d.sh('ip -6 address show tentative')) === '',
    )
    const settled = '[ -z "$(ip -6 address show tentative)" ] && echo yes'
    await eventually('the kernel is done with addresses of its own', () => d.sh(settled).catch(() => undefined))
    const before = await d.sh(everything)
    await apply(d, specOf(first, second))
    assert.notEqual(await d.sh(everything), before)
    await removeEverything(d.shell, d.stateDir)
    assert.equal(await d.sh(everything), before)
  })
})
