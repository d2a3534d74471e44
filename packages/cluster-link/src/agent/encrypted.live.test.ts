import assert from 'node:assert/strict'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { apply } from './kernel.fixture.ts'
import { eventually, type Host, hostOf, type Network, sniff, startNetwork, unlessRoot } from './network.fixture.ts'
import { type End, secureAddress, secureSpec } from './node-config.fixture.ts'
import { removeEverything } from './remove.ts'
import { loadKeyPair } from './wireguard/key.ts'

describe('two nodes that encrypt', { skip: unlessRoot }, () => {
  let network: Network
  let a: Host
  let b: Host
  let podOfA: Host
  let first: End
  let second: End

  const specOf = (me: End, other: End) =>
    secureSpec(me, [other], {
      routes: [{ cidr: `10.${other.number}.0.0/16`, gw: secureAddress(other), dev: 'vx-secure' }],
      translations: [{ local: `10.${me.number}.0.0/16`, global: `10.${me.number}.0.0/16`, kind: 'Pod' }],
    })
  /** A hundred bytes that nobody overlooks, in clear text. */
  const telltale = 'ping -c 3 -i 0.2 -W 2 -s 100 -p 6b6f736d6f73 10.2.0.5'

  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24'], b: ['192.0.2.2/24'], c: ['192.0.2.3/24'] })
    a = hostOf(network, 'a')
    b = hostOf(network, 'b')
    podOfA = await network.pod(a, 'pod-a', ['10.1.0.5'])
    await network.pod(b, 'pod-b', ['10.2.0.5'])
    first = { number: 1, publicKey: (await loadKeyPair(a.stateDir)).publicKey }
    second = { number: 2, publicKey: (await loadKeyPair(b.stateDir)).publicKey }
    // A way out for everything: what is not in the tunnel would leave by it.
    await a.sh('ip route add default via 192.0.2.2')
    await apply(a, specOf(first, second))
    await apply(b, specOf(second, first))
  })
  after(() => network?.end())

  it('let pods reach each other, and nothing in clear text is between them', async () => {
    const wire = await sniff(network, a, ['-i', 'eth0', '-A'], () => podOfA.sh(telltale))
    assert.match(wire, /192\.0\.2\.1\.51872 > 192\.0\.2\.2\.51872/)
    assert.doesNotMatch(wire, /kosmos|10\.2\.0\.5|221\.0\.2|240\.0\.2|4878/)
  })

  it('send nothing at all when the tunnel is gone', async () => {
    await a.sh('ip link delete kl-wireguard')
    const wire = await sniff(network, a, ['-i', 'eth0', '-A'], () => podOfA.sh(`${telltale} || true`))
    assert.doesNotMatch(wire, /kosmos|10\.2\.0\.5|221\.0\.2|240\.0\.2|4878/)
    await apply(a, specOf(first, second))
    await eventually('the tunnel is back', () => podOfA.sh('ping -c 1 -W 1 10.2.0.5').catch(() => undefined))
  })

  it('send nothing at all when the device and its routes are gone', async () => {
    await a.sh('ip link delete vx-secure; ip route flush table 4876')
    const wire = await sniff(network, a, ['-i', 'eth0', '-A'], () => podOfA.sh(`${telltale} || true`))
    assert.doesNotMatch(wire, /kosmos|10\.2\.0\.5|221\.0\.2|240\.0\.2|4878/)
    assert.match(await a.sh('nft list chain inet kosmos_link postrouting_leak'), /counter packets 3 /)
    await apply(a, specOf(first, second))
    await podOfA.sh('ping -c 1 -W 2 10.2.0.5')
  })

  it('find nothing to do the second time, and keep the session', async () => {
    const session = await a.sh('wg show kl-wireguard latest-handshakes')
    assert.deepEqual((await apply(a, specOf(first, second))).steps, [])
    assert.equal(await a.sh('wg show kl-wireguard latest-handshakes'), session)
  })

  it('keep the private key to themselves', async () => {
    const file = join(a.stateDir, 'wireguard.key')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.equal((await stat(a.stateDir)).mode & 0o777, 0o700)
    const key = (await readFile(file, 'utf8')).trim()
    assert.equal((await a.sh('wg show kl-wireguard private-key')).trim(), key)
    assert.equal((await loadKeyPair(a.stateDir)).publicKey, first.publicKey)
    const log = await readFile(join(a.stateDir, 'kl-wireguard.log'), 'utf8')
    assert(!log.includes(key))
  })

  it('listen to nobody on the inner port but through the tunnel', async () => {
    const c = hostOf(network, 'c')
    await c.sh('ip route add 240.0.2.1/32 via 192.0.2.1')
    const send =
      "require('node:dgram').createSocket('udp4').send('x'.repeat(60), 4878, '240.0.2.1', () => process.exit())"
    await c.shell.run([process.execPath, '-e', send])
    const input = await a.sh('nft list chain inet kosmos_link input')
    assert.match(input, /udp dport 4878 iifname != "kl-wireguard" counter packets 1 /)
  })

  it('end the tunnel with everything else when they are removed', async () => {
    const processes = () =>
      a.sh('for p in $(pgrep -x wireguard-go); do readlink /proc/$p/ns/net; done; readlink /proc/self/ns/net')
    const count = async () => {
      const spaces = (await processes()).trim().split('\n')
      return spaces.filter((space) => space === spaces.at(-1)).length - 1
    }
    assert.equal(await count(), 1)
    await removeEverything(a.shell, a.stateDir)
    await eventually('wireguard-go has ended', async () => (await count()) === 0)
    assert.equal(await a.sh('ip link show kl-wireguard 2>/dev/null || true'), '')
    await assert.rejects(stat(a.stateDir))
  })
})
