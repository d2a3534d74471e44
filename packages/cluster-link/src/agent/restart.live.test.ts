import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AgentProcess, startAgent } from './agent.fixture.ts'
import { apply } from './kernel.fixture.ts'
import { eventually, type Host, hostOf, type Network, startNetwork, unlessRoot } from './network.fixture.ts'
import { type End, secureAddress, secureSpec } from './node-config.fixture.ts'
import { lostPings, startPings } from './pings.fixture.ts'
import { loadKeyPair } from './wireguard/key.ts'

describe('an agent of a node that encrypts', { skip: unlessRoot }, () => {
  let network: Network
  let a: Host
  let agent: AgentProcess
  let first: End
  let second: End
  const specOf = (me: End, other: End) =>
    secureSpec(me, [other], { routes: [{ cidr: '10.2.0.0/16', gw: secureAddress(other), dev: 'vx-secure' }] })

  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24'], b: ['192.0.2.2/24'] })
    a = hostOf(network, 'a')
    const b = hostOf(network, 'b')
    first = { number: 1, publicKey: (await loadKeyPair(a.stateDir)).publicKey }
    second = { number: 2, publicKey: (await loadKeyPair(b.stateDir)).publicKey }
    await b.sh('ip address add 10.2.0.5/32 dev lo')
    await apply(b, specOf(second, first))
    agent = await startAgent(network, a, specOf(first, second))
    await reached()
  })
  after(() => network?.end())

  const reached = () =>
    eventually('the pod answers', () => a.sh('ping -c 1 -W 1 10.2.0.5 >/dev/null && echo yes').catch(() => undefined))

  it('may be killed and start again without a packet lost, since the tunnel is not its child', async () => {
    const pings = startPings(network, a, '10.2.0.5')
    await sleep(500)
    agent.process.kill('SIGKILL')
    await sleep(500)
    agent = await startAgent(network, a, specOf(first, second))
    await sleep(1_500)
    assert.equal(await lostPings(pings), 0)
  })

  it('leaves no process behind when it is killed, but the tunnel', async () => {
    const script =
      'for p in $(pgrep -x "fping|ip|nft|wireguard-go"); do [ "$(readlink /proc/$p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && cat /proc/$p/comm; done; true'
    const processes = async () => (await a.sh(script)).trim().split('\n').sort().join()
    await eventually('all of them run', async () => (await processes()) === 'fping,ip,nft,wireguard-go')
    agent.process.kill('SIGKILL')
    await eventually('only the tunnel runs', async () => (await processes()) === 'wireguard-go')
    agent = await startAgent(network, a, specOf(first, second))
  })

  it('starts the tunnel again when it is killed', async (test) => {
    const own = (await a.sh('readlink /proc/self/ns/net')).trim()
    await a.sh(
      `for p in $(pgrep -x wireguard-go); do [ "$(readlink /proc/$p/ns/net)" = '${own}' ] && kill -9 $p; done; true`,
    )
    const killedAt = performance.now()
    await eventually('the device is back', () => a.sh('wg show kl-wireguard peers').catch(() => undefined))
    await reached()
    test.diagnostic(`answered after ${Math.round(performance.now() - killedAt)} ms`)
  })
})
