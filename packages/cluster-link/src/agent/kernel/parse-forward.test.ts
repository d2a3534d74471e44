import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseForwardChains, parseIptables, parseNftChain } from './parse-forward.ts'

const chain = { iptables: 'iptables' } as const
const rule = (direction: 'i' | 'o', words = '') =>
  `-A FORWARD -${direction} vx-bridge -m comment --comment ${words}kosmos.io -j ACCEPT`

describe('the FORWARD chain of iptables', () => {
  const parse = (...lines: string[]) => parseIptables(lines.join('\n'), 'iptables')

  it('may have rules of ours, and be closed by its policy', () => {
    const seen = parse('-P FORWARD DROP', '-A FORWARD -j DOCKER-USER', rule('i'), '-A FORWARD -i vx-bridge -j ACCEPT')
    assert.deepEqual(seen, { ours: [{ chain, direction: 'i', dev: 'vx-bridge' }], closed: { chain } })
    assert.deepEqual(parse('-P FORWARD ACCEPT'), { ours: [] })
  })

  it('may be closed by a rule about everything; what is behind it is too late', () => {
    for (const closing of [
      '-j DROP',
      '-j REJECT --reject-with icmp-host-prohibited',
      '-m comment --comment "no more" -j DROP',
    ]) {
      const seen = parse(
        '-P FORWARD ACCEPT',
        '-A FORWARD -j cali-FORWARD',
        rule('i'),
        `-A FORWARD ${closing}`,
        rule('o'),
      )
      assert.deepEqual(
        seen,
        {
          ours: [
            { chain, direction: 'i', dev: 'vx-bridge' },
            { chain, direction: 'o', dev: 'vx-bridge', isTooLate: true },
          ],
          closed: { chain, before: 3 },
        },
        closing,
      )
    }
  })

  it('is not closed by what drops some packets, or goes on elsewhere', () => {
    const some = [
      '-A FORWARD -m conntrack --ctstate INVALID -j DROP',
      '-A FORWARD -j DROPS',
      '-A FORWARD -s 10.0.0.0/8 -j DROP',
    ]
    assert.equal(parse('-P FORWARD ACCEPT', ...some).closed, undefined)
  })
})

describe('chains of nftables', () => {
  const base = { type: 'filter', hook: 'forward', prio: 0, policy: 'drop' }
  const pass = { nft: { family: 'inet', table: 'others', name: 'pass' } }
  const shown = (...nftables: object[]) => JSON.stringify({ nftables: [{ metainfo: {} }, ...nftables] })
  const match = { match: { op: '==', left: { meta: { key: 'iifname' } }, right: 'vx-bridge' } }

  it('are those of others that forwarded packets pass, without those of iptables', () => {
    const chains = [
      { family: 'inet', table: 'others', name: 'pass', ...base },
      { family: 'inet', table: 'others', name: 'sub' },
      { family: 'inet', table: 'kosmos_link', name: 'forward', ...base },
      { family: 'ip', table: 'filter', name: 'FORWARD', ...base },
      { family: 'bridge', table: 'others', name: 'pass', ...base },
      { family: 'inet', table: 'others', name: 'in', ...base, hook: 'input' },
    ]
    assert.deepEqual(parseForwardChains(shown(...chains.map((chain) => ({ chain })))), [pass])
    assert.deepEqual(parseForwardChains(''), [])
  })

  it('may have rules of ours, and be closed by their policy or by a rule', () => {
    const own = { rule: { handle: 5, comment: 'kosmos.io', expr: [match, { accept: null }] } }
    const foreign = { rule: { handle: 6, expr: [match, { drop: null }] } }
    const closing = { rule: { handle: 7, expr: [{ counter: {} }, { log: { prefix: 'x' } }, { reject: {} }] } }
    const seen = (policy: string, ...rules: object[]) =>
      parseNftChain(shown({ chain: { ...pass.nft, ...base, policy } }, ...rules), pass)
    const ours = { chain: pass, direction: 'i', dev: 'vx-bridge', at: 5 }
    assert.deepEqual(seen('drop', own, foreign), { ours: [ours], closed: { chain: pass } })
    assert.deepEqual(seen('accept', own, foreign), { ours: [ours] })
    const late = { ours: [{ ...ours, isTooLate: true }], closed: { chain: pass, before: 7 } }
    assert.deepEqual(seen('accept', foreign, closing, own), late)
  })
})
