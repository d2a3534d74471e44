import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NodeConfigSpec } from '@kosmos/api'
import { type AgentProcess, startAgent } from './agent.fixture.ts'
import { loadIpsecKey } from './ipsec/key.ts'
import { apply } from './kernel.fixture.ts'
import { readFigures } from './metrics/read.ts'
import { eventually, type Host, hostOf, type Network, sniff, startNetwork, unlessRoot } from './network.fixture.ts'
import { type End, ipsecSpec, secureAddress, secureSpec, tunnelAddress } from './node-config.fixture.ts'
import { lostPings, startPings } from './pings.fixture.ts'
import { loadKeyPair } from './wireguard/key.ts'

describe('an agent of a node with IPsec to one cluster and WireGuard to another', { skip: unlessRoot }, () => {
  let network: Network
  let a: Host
  let agent: AgentProcess
  let spec: NodeConfigSpec

  const routeTo = (end: End) => ({ cidr: `10.${end.number}.0.0/16`, gw: secureAddress(end), dev: 'vx-secure' })
  const both = (one: NodeConfigSpec, other: NodeConfigSpec): NodeConfigSpec => ({
    ...other,
    ...one,
    devices: [...(one.devices ?? []), ...(other.devices ?? []).filter(({ type }) => type === 'wireguard')],
    routes: [...(one.routes ?? []), ...(other.routes ?? [])],
    fdbs: [...(one.fdbs ?? []), ...(other.fdbs ?? [])],
    arps: [...(one.arps ?? []), ...(other.arps ?? [])],
  })
  const reached = (target: string) =>
    eventually(`${target} answers`, () => a.sh(`ping -c 1 -W 1 ${target} && echo yes`).catch(() => undefined))

  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24'], b: ['192.0.2.2/24'], c: ['192.0.2.3/24'] })
    const hosts = ['a', 'b', 'c'].map((name) => hostOf(network, name)) as [Host, Host, Host]
    const ends = await Promise.all(
      hosts.map(async ({ stateDir }, index) => ({
        number: index + 1,
        publicKey: (await loadKeyPair(stateDir)).publicKey,
        ipsecPublicKey: (await loadIpsecKey(stateDir)).publicKey,
      })),
    )
    const [first, second, third] = ends as [End, End, End]
    const [, b, c] = hosts
    a = hosts[0]
    await b.sh('ip address add 10.2.0.5/32 dev lo')
    await c.sh('ip address add 10.3.0.5/32 dev lo')
    await apply(b, ipsecSpec(second, [first]))
    await apply(c, secureSpec(third, [first]))
    spec = both(
      ipsecSpec(first, [second], { routes: [routeTo(second)] }),
      secureSpec(first, [third], { routes: [routeTo(third)] }),
    )
    agent = await startAgent(network, a, spec)
    await reached('10.2.0.5')
    await reached('10.3.0.5')
  })
  after(() => network?.end())

  it('sends to each by its own tunnel', async () => {
    const wire = await sniff(network, a, ['-i', 'eth0', 'udp'], () => a.sh('ping -c 1 10.2.0.5; ping -c 1 10.3.0.5'))
    assert.match(wire, /192\.0\.2\.1\.51873 > 192\.0\.2\.2\.51873/)
    assert.match(wire, /192\.0\.2\.1\.51872 > 192\.0\.2\.3\.51872/)
    assert.doesNotMatch(wire, /4878|51873 > 192\.0\.2\.3|51872 > 192\.0\.2\.2/)
  })

  it('counts what each tunnel carries, and says when its keys were agreed on', async () => {
    const countedIn = async (device: string, end: string) => {
      const { tunnels, handshakes, read } = await readFigures(a, spec)
      assert.deepEqual(
        [...read].filter(([, isRead]) => !isRead),
        [],
      )
      const bytes = (way: string) =>
        tunnels.find((one) => one.device === device && one.end === end && one.direction === way)?.bytes ?? Number.NaN
      const at = handshakes.find((one) => one.device === device && one.end === end)?.at
      assert.ok(at && Math.abs(Date.now() / 1000 - at) < 120, `${device}: ${at}`)
      return [bytes('receive'), bytes('transmit')]
    }
    const tunnels = [
      ['ipsec0', tunnelAddress({ number: 2 }), '10.2.0.5'],
      ['kl-wireguard', tunnelAddress({ number: 3 }), '10.3.0.5'],
    ] as const
    for (const [device, end, target] of tunnels) {
      const before = await countedIn(device, end)
      await a.sh(`ping -c 5 -i 0.1 -s 1000 ${target}`)
      const after = await countedIn(device, end)
      for (const [index, bytes] of after.entries()) {
        const more = bytes - (before[index] ?? 0)
        assert.ok(more >= 5_000 && more < 15_000, `${device}: ${more} bytes more`)
      }
    }
  })

  it('may be killed and start again without a packet lost', async () => {
    const pings = startPings(network, a, '10.2.0.5')
    await sleep(500)
    agent.process.kill('SIGKILL')
    await sleep(500)
    agent = await startAgent(network, a, spec)
    await sleep(1_500)
    assert.equal(await lostPings(pings), 0)
  })

  it('starts strongSwan again when it is killed', async (test) => {
    process.kill(Number(await readFile(join(a.stateDir, 'ipsec', 'charon.pid'), 'utf8')), 'SIGKILL')
    const killedAt = performance.now()
    await reached('10.2.0.5')
    test.diagnostic(`answered after ${Math.round(performance.now() - killedAt)} ms`)
  })
})
