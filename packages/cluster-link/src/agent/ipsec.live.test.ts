import assert from 'node:assert/strict'
import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadIpsecKey } from './ipsec/key.ts'
import { askVici } from './ipsec/vici.ts'
import { apply } from './kernel.fixture.ts'
import { eventually, type Host, hostOf, type Network, sniff, startNetwork, unlessRoot } from './network.fixture.ts'
import { type End, ipsecSpec, secureAddress } from './node-config.fixture.ts'
import { lostPings, startPings } from './pings.fixture.ts'
import { removeEverything } from './remove.ts'

const isWhole = process.env.KOSMOS_LINK_MATRIX === 'all'

describe('three nodes that encrypt by IPsec', { skip: unlessRoot }, () => {
  let network: Network
  let a: Host
  let b: Host
  let c: Host
  let podOfA: Host
  const ends: End[] = []

  const specOf = (number: number, others = [1, 2, 3]) => {
    const peers = ends.filter((end) => end.number !== number && others.includes(end.number))
    return ipsecSpec(ends[number - 1] as End, peers, {
      routes: peers.map((other) => ({
        cidr: `10.${other.number}.0.0/16`,
        gw: secureAddress(other),
        dev: 'vx-secure',
      })),
      translations: [{ local: `10.${number}.0.0/16`, global: `10.${number}.0.0/16`, kind: 'Pod' }],
    })
  }
  /** A hundred bytes that nobody overlooks, in clear text. */
  const telltale = 'ping -c 3 -i 0.2 -W 2 -s 100 -p 6b6f736d6f73 10.2.0.5'
  const clear = /kosmos|10\.2\.0\.5|221\.0\.2|240\.0\.2|4878/
  const reaches = (target: string) =>
    eventually(`${target} is reached`, () => podOfA.sh(`ping -c 1 -W 1 ${target}`).catch(() => undefined))
  const peersOf = async ({ stateDir }: Host, state?: string) => {
    const [sas = []] = await askVici(join(stateDir, 'ipsec', 'vici'), [{ command: 'list-sas', stream: 'list-sa' }])
    const known = sas.flatMap((sa) => Object.entries(sa)) as [string, { state?: string }][]
    return known.flatMap(([name, sa]) => (state === undefined || sa.state === state ? [name.split('-')[1]] : [])).sort()
  }
  const pidOf = ({ stateDir }: Host) => readFile(join(stateDir, 'ipsec', 'charon.pid'), 'utf8').then(Number)

  before(async () => {
    network = await startNetwork({ a: ['192.0.2.1/24'], b: ['192.0.2.2/24'], c: ['192.0.2.3/24'] })
    ;[a, b, c] = ['a', 'b', 'c'].map((name) => hostOf(network, name)) as [Host, Host, Host]
    podOfA = await network.pod(a, 'pod-a', ['10.1.0.5'])
    await network.pod(b, 'pod-b', ['10.2.0.5'])
    await network.pod(c, 'pod-c', ['10.3.0.5'])
    for (const [index, { stateDir }] of [a, b, c].entries())
      ends.push({ number: index + 1, ipsecPublicKey: (await loadIpsecKey(stateDir)).publicKey })
    // A way out for everything: what is not in the tunnel would leave by it.
    await a.sh('ip route add default via 192.0.2.2')
    for (const [index, host] of [a, b, c].entries()) await apply(host, specOf(index + 1))
  })
  after(() => network?.end())

  it('let pods reach each other, and nothing in clear text is between them', async () => {
    await reaches('10.2.0.5')
    await reaches('10.3.0.5')
    const wire = await sniff(network, a, ['-i', 'eth0', '-A'], () => podOfA.sh(telltale))
    assert.match(wire, /192\.0\.2\.1\.51873 > 192\.0\.2\.2\.51873/)
    assert.doesNotMatch(wire, clear)
  })

  it('carry packets as large as the MTU says in one piece, and larger ones in several', async () => {
    const wire = await sniff(network, a, ['-i', 'eth0', '-v', 'udp'], () =>
      podOfA.sh('ping -c 1 -W 2 -M do -s 1322 10.2.0.5'),
    )
    assert.match(wire, /192\.0\.2\.1\.51873 > 192\.0\.2\.2\.51873/)
    assert.doesNotMatch(wire, /flags \[\+\]/)
    await podOfA.sh('ping -c 1 -W 2 -s 4000 10.2.0.5')
  })

  it('listen to nobody on the inner port but through the tunnel', async () => {
    await c.sh('ip route replace 240.0.2.1/32 via 192.0.2.1 table 4876')
    const send =
      "require('node:dgram').createSocket('udp4').send('x'.repeat(60), 4878, '240.0.2.1', () => process.exit())"
    await c.shell.run([process.execPath, '-e', send])
    const input = await a.sh('nft list chain inet kosmos_link input')
    assert.match(input, /udp dport 4878 iifname != "ipsec0" counter packets 1 /)
    await apply(c, specOf(3))
  })

  it('have another tunnel, by another key, when the key of one changes', async () => {
    await rm(join(b.stateDir, 'ipsec.pem'))
    ends[1] = { number: 2, ipsecPublicKey: (await loadIpsecKey(b.stateDir)).publicKey }
    for (const [index, host] of [a, b, c].entries()) await apply(host, specOf(index + 1))
    await reaches('10.2.0.5')
    assert.deepEqual([...new Set(await peersOf(a))], ['240.0.2.2', '240.0.2.3'])
  })

  it('lose no packet while keys are renewed, those of ESP and those of IKE', async () => {
    const socket = join(a.stateDir, 'ipsec', 'vici')
    const keysOf = async (): Promise<readonly string[]> => {
      const [sas = []] = await askVici(socket, [{ command: 'list-sas', stream: 'list-sa' }])
      return JSON.stringify(sas).match(/"(spi-in|initiator-spi)":"\w+"/g) ?? []
    }
    const before = await keysOf()
    assert.ok(before.length > 0)
    const pings = startPings(network, podOfA, '10.2.0.5')
    await sleep(300)
    const [[known] = []] = await askVici(socket, [{ command: 'get-conns' }])
    for (const ike of [known?.conns ?? []].flat().map(String)) {
      await askVici(socket, [
        { command: 'rekey', message: { child: 'tunnel', ike } },
        { command: 'rekey', message: { ike } },
      ])
    }
    await eventually('no key is the one before', async () => {
      const now = await keysOf()
      return now.length > 0 && before.every((key) => !now.includes(key))
    })
    assert.equal(await lostPings(pings), 0)
  })

  it('find nothing to do the second time, and keep the tunnel', async () => {
    const pid = await pidOf(a)
    assert.deepEqual((await apply(a, specOf(1))).steps, [])
    assert.equal(await pidOf(a), pid)
    assert.deepEqual([...new Set(await peersOf(a))], ['240.0.2.2', '240.0.2.3'])
  })

  for (const who of ['the caller', 'the one that is called']) {
    it(`send nothing when strongSwan of ${who} was killed, and go on when it is back`, async (test) => {
      const host = who === 'the caller' ? a : b
      process.kill(await pidOf(host), 'SIGKILL')
      await eventually('the device is gone', () => host.sh('ip link show ipsec0 || echo gone'))
      const wire = await sniff(network, a, ['-i', 'eth0', '-A'], () => podOfA.sh(`${telltale} || true`))
      assert.doesNotMatch(wire, clear)
      await apply(host, specOf(host === a ? 1 : 2))
      const since = performance.now()
      await reaches('10.2.0.5')
      test.diagnostic(`back after ${Math.round(performance.now() - since)} ms`)
      assert.deepEqual((await apply(host, specOf(host === a ? 1 : 2))).steps, [])
    })
  }

  it('find each other again when both have given up the other', {
    skip: !isWhole && 'only with KOSMOS_LINK_MATRIX=all',
  }, async () => {
    await b.sh('ip link set dev eth0 down')
    await eventually('a has noticed', async () => !(await peersOf(a, 'ESTABLISHED')).includes('240.0.2.2'))
    await eventually('b has noticed', async () => !(await peersOf(b, 'ESTABLISHED')).includes('240.0.2.1'))
    await b.sh('ip link set dev eth0 up')
    await reaches('10.2.0.5')
  })

  it('send nothing when the device and its routes are gone', async () => {
    await a.sh('ip link delete ipsec0; ip link delete vx-secure; ip route flush table 4876')
    const wire = await sniff(network, a, ['-i', 'eth0', '-A'], () => podOfA.sh(`${telltale} || true`))
    assert.doesNotMatch(wire, clear)
    await apply(a, specOf(1))
    await reaches('10.2.0.5')
  })

  it('send nothing of the tunnel to a peer that strongSwan has no tunnel to', async () => {
    await a.sh('ip route replace 240.0.2.9/32 dev ipsec0 table 4876')
    const wire = await sniff(network, a, ['-i', 'eth0', '-A'], () =>
      a.sh('ping -c 2 -i 0.2 -W 1 -s 100 -p 6b6f736d6f73 240.0.2.9 || true'),
    )
    assert.doesNotMatch(wire, clear)
    await apply(a, specOf(1))
  })

  it('end the tunnel to a peer that is no more, and no other', async () => {
    const { steps } = await apply(a, specOf(1, [1, 2]))
    assert(steps.some((step) => step.do === 'ipsec.set'))
    assert.deepEqual(await peersOf(a), ['240.0.2.2'])
    await podOfA.sh('ping -c 1 -W 1 10.2.0.5')
    assert.deepEqual((await apply(a, specOf(1, [1, 2]))).steps, [])
  })

  it('keep the private key to themselves', async () => {
    const file = join(a.stateDir, 'ipsec.pem')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const [, key = ''] = (await readFile(file, 'utf8')).split('\n')
    for (const name of ['strongswan.conf', 'charon.log'])
      assert(!(await readFile(join(a.stateDir, 'ipsec', name), 'utf8')).includes(key))
  })

  it('leave nothing when they are removed', async () => {
    const pid = await pidOf(a)
    await removeEverything(a.shell, a.stateDir)
    await assert.rejects(stat(`/proc/${pid}`))
    await assert.rejects(stat(a.stateDir))
    const left = await a.sh('ip link; ip rule; ip -6 rule; ip route show table all; nft list ruleset')
    assert.doesNotMatch(left, /ipsec0|vx-secure|4876|4877|kosmos/)
  })
})
