import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseFdbs, parseNeighbours } from './parse-entries.ts'
import { parseLinks } from './parse-links.ts'
import { parseRoutes, parseRules } from './parse-routes.ts'
import { parseWireGuard } from './parse-wireguard.ts'

const ours = new Set(['vx-bridge', 'kl-wireguard'])

describe('what the kernel has, from what its tools print', () => {
  const shown = {
    ifname: 'vx-bridge',
    flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
    mtu: 1450,
    address: '02:00:00:00:00:01',
    ifalias: 'kosmos.io',
    linkinfo: { info_kind: 'vxlan', info_data: { id: 54, port: 4876, local: '192.0.2.1', link: 'eth0' } },
    addr_info: [
      { local: 'fd22::1', prefixlen: 128, scope: 'global' },
      { local: '220.0.2.1', prefixlen: 32, scope: 'global' },
    ],
  }
  const netconf = [
    { family: 'inet', interface: 'vx-bridge', rp_filter: 'loose' },
    { family: 'inet6', interface: 'eth0' },
  ]

  it('reads a device of ours', () => {
    assert.deepEqual(parseLinks([shown, { ifname: 'eth0', flags: [], mtu: 1500 }], netconf), [
      {
        name: 'vx-bridge',
        kind: 'vxlan',
        vxlan: { id: 54, port: 4876, local: '192.0.2.1', bindDev: 'eth0' },
        mac: '02:00:00:00:00:01',
        mtu: 1450,
        addresses: ['220.0.2.1/32', 'fd22::1/128'],
        isUp: true,
        isMarked: true,
        isLoose: true,
      },
    ])
  })

  it('knows a device of ours that an agent had no time to mark, and no other of its name', () => {
    const { ifalias, ...unmarked } = shown
    assert.equal(ifalias, 'kosmos.io')
    assert.deepEqual(
      parseLinks([unmarked], []).map(({ isMarked }) => isMarked),
      [false],
    )
    const foreign = { ...unmarked, linkinfo: { info_kind: 'vxlan', info_data: { id: 99 } } }
    assert.deepEqual(parseLinks([foreign, { ...unmarked, linkinfo: { info_kind: 'dummy' } }], []), [])
  })

  it('reads routes with one next hop, several, none', () => {
    const hop = (gateway: string) => ({ gateway, dev: 'vx-bridge', weight: 1, flags: ['onlink'] })
    const routes = [
      { dst: '10.2.0.0/16', protocol: '76', prefsrc: '220.0.2.1', nexthops: [hop('220.0.2.3'), hop('220.0.2.2')] },
      { dst: '10.3.0.0/16', gateway: '220.0.2.2', dev: 'vx-bridge', flags: ['onlink'] },
      { dst: '220.0.2.2', dev: 'vx-bridge', scope: 'link' },
      { type: 'unreachable', dst: '240.0.0.0/8', dev: 'lo' },
      { dst: 'default', gateway: '220.0.2.2', dev: 'vx-bridge' },
    ]
    const [two, three] = ['220.0.2.2', '220.0.2.3'].map((gateway) => ({ dev: 'vx-bridge', gateway }))
    assert.deepEqual(parseRoutes(routes, 4, 4876), [
      { cidr: '10.2.0.0/16', source: '220.0.2.1', hops: [two, three] },
      { cidr: '10.3.0.0/16', hops: [two] },
      { cidr: '220.0.2.2/32', hops: [{ dev: 'vx-bridge' }] },
      { cidr: '240.0.0.0/8', hops: [] },
      { cidr: '0.0.0.0/0', hops: [two] },
    ])
  })

  it('tells routes for what comes from other clusters, or was handed on, from the others', () => {
    const shown = [{ dst: '10.1.2.0/24', gateway: '210.0.2.2', dev: 'vx-local' }]
    const hops = [{ dev: 'vx-local', gateway: '210.0.2.2' }]
    assert.deepEqual(parseRoutes(shown, 4, 4878), [{ cidr: '10.1.2.0/24', isInward: true, hops }])
    assert.deepEqual(parseRoutes(shown, 4, 4879), [{ cidr: '10.1.2.0/24', isHandedOn: true, hops }])
  })

  it('finds the rules to our tables', () => {
    const ours = [
      { priority: 0, table: 'local' },
      { priority: 29_999, iif: 'vx-bridge', table: '4878' },
      { priority: 29_999, iif: 'vx-local', fwmark: '0x1000', fwmask: '0x1000', table: '4879' },
      { priority: 30_000, table: '4876' },
    ]
    assert.deepEqual(parseRules(ours, 4), ['4 vx-bridge', '4 vx-local handed-on', '4'])
    const others = [
      { priority: 30_000, table: '99' },
      { priority: 100, table: '4876' },
      { priority: 29_999, table: '4878' },
      { priority: 29_999, iif: 'vx-local', table: '4879' },
      { priority: 29_999, iif: 'vx-local', fwmark: '0x2', fwmask: '0x2', table: '4879' },
    ]
    assert.deepEqual(parseRules(others, 6), [])
  })

  it('reads forwarding entries and neighbours of our devices only', () => {
    const fdb = [
      { mac: '02:00:00:00:00:02', ifname: 'vx-bridge', dst: '192.0.2.2' },
      { mac: '33:33:00:00:00:01', ifname: 'vx-bridge' },
      { mac: '02:00:00:00:00:02', ifname: 'flannel.1', dst: '192.0.2.2' },
    ]
    assert.deepEqual(parseFdbs(fdb, ours), [{ dev: 'vx-bridge', mac: '02:00:00:00:00:02', ip: '192.0.2.2' }])
    const neighbours = [
      { dst: 'fd22::2', dev: 'vx-bridge', lladdr: '02:00:00:00:00:02', state: ['PERMANENT'] },
      { dst: '220.0.2.9', dev: 'vx-bridge', lladdr: '02:00:00:00:00:09', state: ['STALE'] },
      { dst: '192.0.2.2', dev: 'eth0', lladdr: '02:00:00:00:00:02', state: ['PERMANENT'] },
    ]
    assert.deepEqual(parseNeighbours(neighbours, ours), [{ dev: 'vx-bridge', ip: 'fd22::2', mac: '02:00:00:00:00:02' }])
  })

  it('reads WireGuard without its secrets', () => {
    const dump = [
      'kl-wireguard\tSECRET\tourkey\t51872\toff',
      'kl-wireguard\tpeerkey\tSECRET\t192.0.2.2:51872\t240.0.2.2/32,10.0.0.0/8\t1795913325\t708\t800\t25',
      'kl-wireguard\tsilent\t(none)\t(none)\t(none)\t0\t0\t0\toff',
      'wg0\tSECRET\tforeign\t1\toff',
    ].join('\n')
    const { wireGuards, handshakes } = parseWireGuard(dump, ours)
    assert.deepEqual(wireGuards, [
      {
        dev: 'kl-wireguard',
        publicKey: 'ourkey',
        port: 51_872,
        peers: new Map([
          [
            'peerkey',
            {
              publicKey: 'peerkey',
              endpoint: '192.0.2.2:51872',
              allowedIPs: ['10.0.0.0/8', '240.0.2.2/32'],
              keepaliveSeconds: 25,
            },
          ],
          ['silent', { publicKey: 'silent', allowedIPs: [] }],
        ]),
      },
    ])
    assert.equal(handshakes[0]?.at, 1_795_913_325)
    assert(!JSON.stringify([...wireGuards, handshakes]).includes('SECRET'))
  })
})
