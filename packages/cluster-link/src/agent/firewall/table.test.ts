import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NodeConfigSpec } from '@kosmos/api'
import { plainSpec, secureSpec } from '../node-config.fixture.ts'
import { outermost } from './syntax.ts'
import { nftTable } from './table.ts'

/** What comes by a tunnel keeps its source. */
const kept = (device: string) => ['ip', 'ip6'].map((ip) => `iifname { "${device}" } snat ${ip} to ${ip} saddr`)
const [me, first, second] = [{ number: 1 }, { number: 2 }, { number: 3 }] as const

/** The rules of a chain. */
function chainOf(spec: NodeConfigSpec, name: string): string[] {
  const [, body = ''] =
    new RegExp(`\\tchain ${name} \\{\\n([^}]*(?:\\{[^}]*\\}[^}]*)*?)\\n\\t\\}\\n`).exec(nftTable(spec)) ?? []
  return body
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
}

describe('our table of nftables', () => {
  it('is not there without a VXLAN device', () => {
    assert.equal(nftTable({ nodeName: 'n' }), '')
  })

  it('does not depend on the order of what is in the NodeConfig', () => {
    const spec = plainSpec(me, [first, second])
    const turned = { ...spec, fdbs: [...(spec.fdbs ?? [])].reverse(), arps: [...(spec.arps ?? [])].reverse() }
    assert.equal(nftTable(spec), nftTable(turned))
  })

  it('listens to the other ends of the tunnels only', () => {
    assert.deepEqual(chainOf(plainSpec(me, [first, second]), 'input'), [
      'udp dport 4876 ip saddr != { 192.0.2.2/32, 192.0.2.3/32 } counter drop',
      'udp dport 4876 meta nfproto ipv6 counter drop',
    ])
    assert.equal(chainOf(plainSpec(me, []), 'input')[0], 'udp dport 4876 meta nfproto ipv4 counter drop')
  })

  it('listens on the port of each device to the ends of that device, those within the own cluster too', () => {
    const spec = plainSpec(me, [first])
    const inner = { ...spec.devices?.[0], type: 'vxlan', name: 'vx-local', id: 55, port: 4877, mtu: 1450 } as const
    const ends = [...(spec.fdbs ?? []), { ip: '192.0.2.9', mac: '02:00:00:00:00:09', dev: 'vx-local' }]
    assert.deepEqual(chainOf({ ...spec, devices: [...(spec.devices ?? []), inner], fdbs: ends }, 'input'), [
      'udp dport 4876 ip saddr != { 192.0.2.2/32 } counter drop',
      'udp dport 4876 meta nfproto ipv6 counter drop',
      'udp dport 4877 ip saddr != { 192.0.2.9/32 } counter drop',
      'udp dport 4877 meta nfproto ipv6 counter drop',
    ])
  })

  it('takes the port of vx-secure through the tunnel only', () => {
    assert.equal(chainOf(secureSpec(me, [first]), 'input')[0], 'udp dport 4878 iifname != "kl-wireguard" counter drop')
  })

  it('counts what comes from and goes to each other end, apart from what it drops', () => {
    const table = nftTable(plainSpec(me, [second, first]))
    for (const [direction, chain, side] of [
      ['receive', 'input_count', 'saddr'],
      ['transmit', 'output_count', 'daddr'],
    ] as const) {
      assert.match(table, new RegExp(`set vx-bridge-${direction}4 {[^}]*elements = { 192.0.2.2, 192.0.2.3 }`))
      const rules = chainOf(plainSpec(me, [first]), chain)
      assert.deepEqual(rules, [`udp dport 4876 ip ${side} @vx-bridge-${direction}4`])
    }
    assert.doesNotMatch(nftTable(plainSpec(me, [])), /_count|\tset /)
  })

  it('lets what is to be encrypted leave by the tunnel only', () => {
    const secure = (cidr: string) => ({ cidr, gw: '221.0.2.2', dev: 'vx-secure' })
    const routes = [secure('10.2.0.0/16'), secure('10.3.0.0/16'), { ...secure('10.3.7.0/24'), dev: 'vx-bridge' }]
    assert.deepEqual(chainOf(secureSpec(me, [first], { routes }), 'postrouting_leak'), [
      'ip daddr { 10.2.0.0/16 } oifname != { "vx-secure" } counter drop',
      'ip daddr { 10.3.0.0/16 } oifname != { "vx-bridge", "vx-secure" } counter drop',
    ])
    assert.deepEqual(chainOf(plainSpec(me, [first], { routes }), 'postrouting_leak'), [])
  })

  it('lets a cluster speak for the networks that are routed to it', () => {
    const routes = [
      { cidr: '10.2.0.0/16', gw: '220.0.2.2', dev: 'vx-bridge' },
      { cidr: '10.2.3.0/24', gw: '220.0.2.3', dev: 'vx-bridge' },
    ]
    assert.equal(
      chainOf(plainSpec(me, [first], { routes }), 'prerouting_source')[0],
      'iifname "vx-bridge" ip saddr != { 10.2.0.0/16, 220.0.2.2/32 } counter drop',
    )
  })

  it('carries nothing from one cluster to another, not by another gateway of its own either', () => {
    const local = { type: 'vxlan' as const, name: 'vx-local', port: 4877, id: 55, mtu: 1450 }
    const plain = plainSpec(me, [first])
    const spec = {
      ...plain,
      devices: [...(plain.devices ?? []), local],
      arps: [{ ip: '210.0.2.2', mac: '02:00:00:00:02:02', dev: 'vx-local' }],
    }
    assert.deepEqual(chainOf(spec, 'forward_transit'), [
      'iifname { "vx-bridge" } ct status dnat accept',
      'iifname { "vx-bridge" } oifname { "vx-bridge" } counter drop',
      'iifname { "vx-bridge" } oifname "vx-local" ip daddr != { 210.0.2.2/32 } counter drop',
      'iifname { "vx-bridge" } oifname "vx-local" meta nfproto ipv6 counter drop',
    ])
  })

  describe('of a gateway among others', () => {
    const local = { type: 'vxlan' as const, name: 'vx-local', port: 4877, id: 55, mtu: 1450 }
    const routes = [{ cidr: '10.2.0.0/16', gw: '220.0.2.2', dev: 'vx-bridge' }]
    const specWith = (...later: boolean[]) => {
      const plain = plainSpec(me, [first], { routes })
      return {
        ...plain,
        devices: [...(plain.devices ?? []), local],
        arps: later.map((_, index) => ({
          ip: `210.0.2.${index + 2}`,
          mac: `02:00:00:00:02:0${index}`,
          dev: 'vx-local',
        })),
        detours: later.map((takesHandedOn, index) => ({ gw: `210.0.2.${index + 2}`, dev: 'vx-local', takesHandedOn })),
      }
    }
    const macs = '{ 02:00:00:00:02:00, 02:00:00:00:02:01 }'

    it('hands on to those only that come after it, which are asked for by a mark that nobody else sees', () => {
      const spec = specWith(false, true)
      const handedOn = `iifname "vx-local" ether saddr ${macs} ip daddr { 10.2.0.0/16 }`
      assert.equal(
        chainOf(spec, 'forward_transit')[0],
        `oifname { "vx-local" } ${handedOn} rt ip nexthop != { 210.0.2.3 } counter drop`,
      )
      assert.deepEqual(chainOf(spec, 'prerouting_handed_on'), [`${handedOn} meta mark set meta mark | 0x1000`])
      assert.deepEqual(chainOf(spec, 'forward_handed_on'), [`${handedOn} meta mark set meta mark & 0xffffefff`])
    })

    it('lets answers to what nodes themselves send come back by it', () => {
      const masquerades = ['vx-bridge', 'vx-secure'].map((dev) => ({ source: '210.0.0.0/8', dev }))
      assert.equal(
        chainOf({ ...specWith(false), masquerades }, 'postrouting')[0],
        'iifname { "vx-local" } oifname { "vx-local" } ip saddr { 210.0.0.0/8 } ip daddr { 10.2.0.0/16 } masquerade',
      )
    })

    it('hands nothing on a second time as the last one, nor as one of two, but marks it, as it goes straight on', () => {
      for (const spec of [specWith(false, false), specWith(false)]) {
        assert.match(
          chainOf(spec, 'forward_transit')[0] ?? '',
          /^oifname { "vx-local" } iifname "vx-local" ether saddr {[^}]*} ip daddr { 10.2.0.0\/16 } counter drop$/,
        )
        assert.equal(chainOf(spec, 'prerouting_handed_on').length, 1)
        assert.equal(chainOf(spec, 'forward_handed_on').length, 1)
      }
    })
  })

  it('translates pods both ways, and keeps those as they are that are not translated', () => {
    const spec = plainSpec(me, [first], {
      translations: [
        { local: '10.1.0.0/16', global: '100.64.0.0/16', kind: 'Pod' },
        { local: '10.7.0.0/16', global: '10.7.0.0/16', kind: 'Pod' },
        { local: 'fd01::/64', global: 'fd64::/64', kind: 'Pod' },
      ],
      masquerades: [{ source: '172.30.0.0/16', dev: 'vx-bridge' }],
    })
    const outside = '{ "vx-bridge" }'
    assert.deepEqual(chainOf(spec, 'prerouting_pod'), [
      `iifname ${outside} dnat ip prefix to ip daddr map { 100.64.0.0/16 : 10.1.0.0/16 }`,
      `iifname ${outside} dnat ip6 prefix to ip6 daddr map { fd64::/64 : fd01::/64 }`,
    ])
    assert.deepEqual(chainOf(spec, 'postrouting'), [
      `oifname ${outside} snat ip prefix to ip saddr map { 10.1.0.0/16 : 100.64.0.0/16, 10.7.0.0/16 : 10.7.0.0/16 }`,
      `oifname ${outside} snat ip6 prefix to ip6 saddr map { fd01::/64 : fd64::/64 }`,
      'ip saddr 172.30.0.0/16 oifname "vx-bridge" masquerade',
      ...kept('vx-bridge'),
    ])
  })

  it('translates Services without tracking, since kube-proxy has to', () => {
    const spec = plainSpec(me, [first], {
      translations: [{ local: '10.96.0.0/12', global: '100.96.0.0/12', kind: 'Service' }],
    })
    const outside = '{ "vx-bridge" }'
    assert.deepEqual(chainOf(spec, 'prerouting_service'), [
      `iifname ${outside} ip daddr 100.96.0.0/12 ip daddr set ip daddr & 0.15.255.255 | 10.96.0.0`,
    ])
    assert.deepEqual(chainOf(spec, 'postrouting_service'), [
      `oifname ${outside} ip saddr 10.96.0.0/12 ip saddr set ip saddr & 0.15.255.255 | 100.96.0.0`,
    ])
    assert.deepEqual(chainOf(spec, 'postrouting'), [
      `iifname ${outside} ct original ip daddr { 10.96.0.0/12 } masquerade`,
      ...kept('vx-bridge'),
    ])
  })

  describe('of a gateway before other nodes', () => {
    const inwardRoutes = [{ cidr: '10.1.2.0/24', gw: '210.0.2.2', dev: 'vx-local' }]
    const local = { type: 'vxlan', name: 'vx-local', port: 4877, id: 55, mtu: 1450 } as const
    const routes = [
      { cidr: '10.2.0.0/16', gw: '220.0.2.2', dev: 'vx-bridge' },
      { cidr: '100.64.2.0/24', gw: '210.0.2.2', dev: 'vx-local' },
    ]
    const masquerades = ['vx-bridge', 'vx-secure'].map((dev) => ({ source: '210.0.0.0/8', dev }))
    const plain = plainSpec(me, [first], { routes, inwardRoutes, masquerades })
    const spec: NodeConfigSpec = {
      ...plain,
      devices: [...(plain.devices ?? []), local],
      translations: [{ local: '10.1.0.0/16', global: '100.64.0.0/16', kind: 'Pod' }],
    }
    const errors = 'icmp type { destination-unreachable, parameter-problem, time-exceeded }'

    it('does not track what passes between their pods and other clusters, nor errors of nodes about that', () => {
      assert.deepEqual(chainOf(spec, 'prerouting_transit'), [
        'iifname { "vx-local" } ip saddr { 10.1.2.0/24, 100.64.2.0/24 } ip daddr { 10.2.0.0/16 } notrack',
        `iifname { "vx-local" } ip daddr { 10.2.0.0/16 } ip saddr { 210.0.0.0/8 } ${errors} notrack`,
        'iifname { "vx-bridge" } ip daddr { 100.64.2.0/24 } notrack',
      ])
    })

    it('translates for nodes to which no route leads under the addresses that others know', () => {
      const upgraded: NodeConfigSpec = { ...spec, routes: routes.slice(0, 1) }
      assert.deepEqual(chainOf(upgraded, 'prerouting_transit').slice(2), [
        'iifname { "vx-bridge" } ip daddr { 100.64.2.0/24 } notrack',
        'iifname { "vx-bridge" } ip daddr { 100.64.2.0/24 } ip daddr 100.64.0.0/16 ip daddr set ip daddr & 0.0.255.255 | 10.1.0.0',
      ])
    })

    it('sends errors of nodes on under its own address, and translates what nodes have not', () => {
      assert.deepEqual(chainOf(spec, 'postrouting_transit'), [
        'oifname { "vx-bridge" } ct state untracked ip saddr 10.1.0.0/16 ip saddr set ip saddr & 0.0.255.255 | 100.64.0.0',
        `oifname "vx-bridge" ip saddr 210.0.0.0/8 ${errors} ip saddr set 220.0.2.1`,
      ])
    })

    it('lets pods be reached by the addresses by which nodes know them', () => {
      assert.ok(
        chainOf(spec, 'forward_transit').includes(
          'iifname { "vx-bridge" } oifname "vx-local" ip daddr != { 10.1.2.0/24, 100.64.2.0/24 } counter drop',
        ),
      )
    })
  })

  describe('of a node behind a gateway', () => {
    const spec: NodeConfigSpec = {
      nodeName: 'n',
      devices: [{ type: 'vxlan', name: 'vx-local', port: 4877, id: 55, mtu: 1450 }],
      translations: [{ local: '10.1.0.0/16', global: '100.64.0.0/16', kind: 'Pod' }],
    }

    it('keeps the source of pods on their way to a gateway', () => {
      assert.deepEqual(chainOf(spec, 'postrouting'), [
        'oifname { "vx-local" } snat ip prefix to ip saddr map { 10.1.0.0/16 : 10.1.0.0/16 }',
        ...kept('vx-local'),
      ])
      assert.deepEqual(chainOf(spec, 'prerouting_pod'), [])
    })

    it('translates its own pods both ways, and keeps those that have addresses of other nodes', () => {
      const own = { local: '10.1.2.0/24', global: '100.64.2.0/24', kind: 'Pod' as const }
      const translating: NodeConfigSpec = { ...spec, nodeTranslations: [own] }
      assert.deepEqual(chainOf(translating, 'postrouting'), [
        'oifname { "vx-local" } snat ip prefix to ip saddr map { 10.1.2.0/24 : 100.64.2.0/24 }',
        'oifname { "vx-local" } snat ip prefix to ip saddr map { 10.1.0.0/16 : 10.1.0.0/16 }',
        ...kept('vx-local'),
      ])
      assert.deepEqual(chainOf(translating, 'prerouting_pod'), [
        'iifname { "vx-local" } dnat ip prefix to ip daddr map { 100.64.2.0/24 : 10.1.2.0/24 }',
      ])
    })
  })
})

describe('networks of a set', () => {
  it('do not overlap', () => {
    const cidrs = ['10.2.3.0/24', '10.0.0.0/8', '11.0.0.0/8', '10.2.0.0/16', 'fd00::/64', '11.0.0.0/8']
    assert.deepEqual(outermost(cidrs, 4), ['10.0.0.0/8', '11.0.0.0/8'])
    assert.deepEqual(outermost(cidrs, 6), ['fd00::/64'])
  })
})
