import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { counterSetsOf } from '../firewall/counting.ts'
import { plainSpec } from '../node-config.fixture.ts'
import { parseAssociations } from './parse-associations.ts'
import { parseDevices } from './parse-devices.ts'
import { parseFirewall } from './parse-firewall.ts'
import { parsePeers } from './parse-peers.ts'

const spec = plainSpec({ number: 1 }, [{ number: 2 }])

describe('what tools say they have counted', () => {
  it('is of devices of ours only', () => {
    const stats = { bytes: 1, packets: 2, errors: 3, dropped: 4 }
    const stats64 = { rx: stats, tx: { ...stats, bytes: 9 } }
    const shown = [
      { ifname: 'eth0', stats64 },
      { ifname: 'vx-bridge', ifalias: 'kosmos.io', stats64 },
    ]
    const counts = { bytes: 1, packets: 2, errors: 3, drops: 4 }
    assert.deepEqual(parseDevices(shown), [
      { device: 'vx-bridge', counts: { receive: counts, transmit: { ...counts, bytes: 9 } } },
    ])
  })

  it('is by end of a tunnel, and by why packets were dropped', () => {
    const counter = { packets: 3, bytes: 90 }
    const match = (left: object) => ({ match: { op: '!=', left, right: 'x' } })
    const rule = (chain: string, ...expr: object[]) => ({ rule: { chain, expr } })
    const byPort = match({ payload: { protocol: 'udp', field: 'dport' } })
    const shown = {
      nftables: [
        { metainfo: {} },
        { set: { name: 'vx-bridge-receive4', elem: [{ elem: { val: '192.0.2.2', counter } }] } },
        { set: { name: 'of-somebody-else', elem: [{ elem: { val: '192.0.2.9', counter } }] } },
        { set: { name: 'vx-bridge-transmit4' } },
        rule('input', byPort, match({ meta: { key: 'iifname' } }), { counter }, { drop: null }),
        rule('input', byPort, { counter }, { drop: null }),
        rule('input', byPort, match({ meta: { key: 'nfproto' } }), { counter }, { drop: null }),
        rule('prerouting_source', match({ meta: { key: 'iifname' } }), { counter }, { drop: null }),
        rule('forward', { counter }, { accept: null }),
      ],
    }
    const { tunnels, drops } = parseFirewall(shown, counterSetsOf(spec))
    assert.deepEqual(tunnels, [{ device: 'vx-bridge', end: '192.0.2.2', direction: 'receive', packets: 3, bytes: 90 }])
    assert.deepEqual(Object.fromEntries(drops), {
      'unknown-peer': 6,
      'outside-tunnel': 3,
      'foreign-source': 3,
      unencrypted: 0,
    })
  })

  it('is of WireGuard peers of the plan, and a handshake that never was is none', () => {
    const peer = (publicKey: string, number: number) => ({
      dev: 'kl-wireguard',
      publicKey,
      allowedIPs: [`240.0.2.${number}/32`],
    })
    const row = (publicKey: string, at: number) =>
      ['kl-wireguard', publicKey, '(none)', '192.0.2.2:51872', '240.0.2.2/32', at, 10, 20, 25].join('\t')
    const dump = ['kl-wireguard\tPRIVATE\tPUBLIC\t51872\toff', row('b', 1_700), row('c', 0), row('stranger', 5)].join(
      '\n',
    )
    const { tunnels, handshakes } = parsePeers(dump, [peer('b', 2), peer('c', 3)])
    assert.deepEqual(
      tunnels.map(({ end, direction, bytes }) => [end, direction, bytes]),
      [
        ['240.0.2.2', 'receive', 10],
        ['240.0.2.2', 'transmit', 20],
        ['240.0.2.3', 'receive', 10],
        ['240.0.2.3', 'transmit', 20],
      ],
    )
    assert.deepEqual(handshakes, [{ device: 'kl-wireguard', end: '240.0.2.2', at: 1_700 }])
  })

  it('is of all associations of a tunnel together, with the newest keys, and of nobody else', () => {
    const child = (seconds: string, bytes: string) => ({
      'remote-ts': ['240.0.2.2/32'],
      'install-time': seconds,
      'bytes-in': bytes,
      'packets-in': '1',
      'bytes-out': '7',
      'packets-out': '1',
    })
    const sas = [
      { 'kosmos-240.0.2.2-abc': { state: 'ESTABLISHED', 'child-sas': { a: child('90', '100'), b: child('4', '11') } } },
      { theirs: { 'child-sas': { a: { ...child('1', '1'), 'remote-ts': ['10.0.0.0/8'] } } } },
      { 'kosmos-240.0.2.3-abc': { state: 'CONNECTING' } },
    ]
    const { tunnels, handshakes } = parseAssociations(sas, 'ipsec0', 1_000)
    assert.deepEqual(tunnels, [
      { device: 'ipsec0', end: '240.0.2.2', direction: 'receive', bytes: 111, packets: 2 },
      { device: 'ipsec0', end: '240.0.2.2', direction: 'transmit', bytes: 14, packets: 2 },
    ])
    assert.deepEqual(handshakes, [{ device: 'ipsec0', end: '240.0.2.2', at: 996 }])
  })
})
