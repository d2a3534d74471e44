import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LinkKeys, NodeConfigSpec } from '@kosmos/api'
import { type AgentProcess, startAgent } from './agent.fixture.ts'
import { askVici } from './ipsec/vici.ts'
import { loadKeys } from './keys/keys.ts'
import { eventually, type Host, hostOf, type Network, sniff, startNetwork, unlessRoot } from './network.fixture.ts'
import { type End, ipsecSpec, secureAddress, secureSpec } from './node-config.fixture.ts'
import { longestGap, startPings } from './pings.fixture.ts'

const asked = { requestedAt: '2026-11-29T12:00:00Z' }

interface Side {
  readonly number: number
  readonly host: Host
  agent: AgentProcess
  spec: NodeConfigSpec
}

for (const tunnel of ['wireguard', 'ipsec'] as const) {
  describe(`a node that changes its keys, by ${tunnel}`, { skip: unlessRoot }, () => {
    let network: Network
    let a: Side
    let b: Side

    const endOf = async ({ host, number }: Pick<Side, 'host' | 'number'>): Promise<End> => {
      const { wireGuard, ipsec } = await loadKeys(host.stateDir)
      return { number, publicKey: wireGuard.publicKey, ipsecPublicKey: ipsec.publicKey }
    }
    /** What a node has, as the keys are now. */
    const specOf = async (me: Pick<Side, 'host' | 'number'>, other: Pick<Side, 'host' | 'number'>) => {
      const far = await endOf(other)
      const routes = [{ cidr: `10.${far.number}.0.0/16`, gw: secureAddress(far), dev: 'vx-secure' }]
      return (tunnel === 'wireguard' ? secureSpec : ipsecSpec)(await endOf(me), [far], { routes })
    }
    const withNext = (spec: NodeConfigSpec, next: { wireGuard: string; ipsec: string }): NodeConfigSpec => ({
      ...spec,
      ...(spec.peers && { peers: spec.peers.map((peer) => ({ ...peer, nextPublicKey: next.wireGuard })) }),
      ...(spec.ipsecPeers && { ipsecPeers: spec.ipsecPeers.map((peer) => ({ ...peer, nextPublicKey: next.ipsec })) }),
    })
    const want = async (side: Side, spec: NodeConfigSpec) => {
      side.spec = spec
      await side.agent.want(spec)
    }
    const killed = async (side: Side) => {
      side.agent.process.kill('SIGKILL')
      side.agent = await startAgent(network, side.host, side.spec)
    }
    const reached = () =>
      eventually('the pod answers', () => a.host.sh('ping -c 1 -W 1 10.2.0.5 && echo yes').catch(() => undefined))
    const changed = async (one: Side, other: Side) => {
      const ask = async (keys: LinkKeys) => await want(one, { ...(await specOf(one, other)), keys })
      await ask(asked)
      const { next } = one.agent.report().keys ?? {}
      assert.ok(next)
      // Both agents may be killed at any time.
      await killed(one)
      assert.deepEqual(one.agent.report().keys?.next, next)
      await want(other, withNext(await specOf(other, one), next))
      await killed(other)
      await ask({ ...asked, use: next.wireGuard })
      assert.deepEqual(one.agent.report().keys, asked)
      assert.equal(one.agent.report().wireGuard?.publicKey, next.wireGuard)
      // Before anybody has told the others.
      await reached()
      await want(other, await specOf(other, one))
      await reached()
    }

    before(async () => {
      network = await startNetwork({ a: ['192.0.2.1/24'], b: ['192.0.2.2/24'] })
      const [first, second] = ['a', 'b'].map((name, index) => ({ number: index + 1, host: hostOf(network, name) }))
      assert.ok(first && second)
      await second.host.sh('ip address add 10.2.0.5/32 dev lo')
      const started = async (me: typeof first, other: typeof first): Promise<Side> => {
        const spec = await specOf(me, other)
        return { ...me, spec, agent: await startAgent(network, me.host, spec) }
      }
      b = await started(second, first)
      a = await started(first, second)
      await reached()
    })
    after(() => network?.end())

    // Of the ends of an IPsec tunnel one calls, and the other one is called.
    for (const who of tunnel === 'ipsec' ? ['the caller', 'the one that is called'] : ['one of two']) {
      it(`is reached all the while, hardly interrupted, and sends nothing in clear text: ${who}`, async (test) => {
        const [one, other] = who === 'the one that is called' ? [b, a] : [a, b]
        const before = await endOf(one)
        const wire = await sniff(network, a.host, ['-i', 'eth0'], async () => {
          const pings = startPings(network, a.host, '10.2.0.5')
          await changed(one, other)
          await sleep(1_500)
          test.diagnostic(`without an answer for at most ${await longestGap(pings)} ms; there is a ping every 10 ms`)
        })
        assert.doesNotMatch(wire, /10\.2\.0\.5|221\.0\.2|240\.0\.2|4878/)
        const now = await endOf(one)
        assert.notEqual(now.publicKey, before.publicKey)
        assert.notEqual(now.ipsecPublicKey, before.ipsecPublicKey)
      })

      it(`has forgotten its old keys then, and the other end knows the new ones only: ${who}`, async () => {
        const [one, other] = who === 'the one that is called' ? [b, a] : [a, b]
        const { wireGuard } = await loadKeys(one.host.stateDir)
        assert.ok((await readdir(one.host.stateDir)).every((file) => !file.includes('next')))
        if (tunnel === 'wireguard') {
          assert.equal((await one.host.sh('wg show kl-wireguard private-key')).trim(), wireGuard.privateKey)
          assert.equal((await other.host.sh('wg show kl-wireguard peers')).trim(), wireGuard.publicKey)
          return
        }
        const ask = ({ host }: Side, command: string, stream?: string) =>
          askVici(join(host.stateDir, 'ipsec', 'vici'), [{ command, ...(stream && { stream }) }])
        await eventually('one tunnel is left at either end', async () => {
          const both = await Promise.all([a, b].map((side) => ask(side, 'list-sas', 'list-sa')))
          return both.every(([sas = []]) => new Set(sas.flatMap((sa) => Object.keys(sa))).size === 1)
        })
        const [[known] = []] = await ask(one, 'get-keys')
        assert.equal([known?.keys ?? []].flat().length, 1)
      })
    }
  })
}
