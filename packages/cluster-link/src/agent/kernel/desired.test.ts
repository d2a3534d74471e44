import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NodeConfigSpec } from '@kosmos/api'
import { bridgeAddress, ipsecSpec, plainSpec, secureSpec } from '../node-config.fixture.ts'
import { desired, type Facts } from './desired.ts'
import { nothing } from './state.ts'

const [me, first, second] = [{ number: 1 }, { number: 2, publicKey: 'two' }, { number: 3, publicKey: 'three' }] as const
const facts: Facts = {
  hasIpv6: true,
  wireGuard: 'tun',
  ipsec: { publicKey: 'b3Vycw==', implementation: 'libipsec' },
  publicKey: 'ours',
  unreachable: new Set(),
  closedChains: [],
}
const without = (...numbers: number[]): Facts => ({
  ...facts,
  unreachable: new Set(numbers.map((number) => bridgeAddress({ number }))),
})
const via = (cidr: string, end: { readonly number: number }, metric = 0) => ({
  cidr,
  gw: bridgeAddress(end),
  dev: 'vx-bridge',
  metric,
})
const hopsTo = (spec: NodeConfigSpec, which: Facts) =>
  desired(spec, which)
    .routes.get('10.2.0.0/16')
    ?.hops.map(({ gateway }) => gateway)

describe('what a NodeConfig means for the kernel', () => {
  it('is nothing at all without devices', () => {
    assert.equal(desired({ nodeName: 'n' }, facts), nothing)
  })

  it('puts every neighbour on the link, with our address as the source', () => {
    const { routes } = desired(plainSpec(me, [first]), facts)
    assert.deepEqual(routes.get('220.0.2.2/32'), {
      cidr: '220.0.2.2/32',
      hops: [{ dev: 'vx-bridge' }],
      source: '220.0.2.1',
    })
    assert.deepEqual(routes.get('fd22::2/128'), {
      cidr: 'fd22::2/128',
      hops: [{ dev: 'vx-bridge' }],
      source: 'fd22::1',
    })
  })

  it('has a device and a connection for IPsec, by the kernel where it can', () => {
    const ipsec = { publicKey: 'b3Vycw==', implementation: 'xfrm' } as const
    const spec = ipsecSpec(me, [{ number: 2, ipsecPublicKey: 'dHdv' }])
    const { links, ipsecs, wireGuards } = desired(spec, { ...facts, ipsec })
    assert.equal(links.get('ipsec0')?.kind, 'xfrm')
    assert.deepEqual(links.get('ipsec0')?.addresses, ['240.0.2.1/32'])
    assert.equal(desired(spec, facts).links.get('ipsec0')?.kind, 'libipsec')
    assert.equal(ipsecs.size, 1)
    assert.equal(wireGuards.size, 0)
  })

  it('shares the traffic among next hops of one metric', () => {
    const spec = plainSpec(me, [first, second], { routes: [via('10.2.0.0/16', second), via('10.2.7.0/16', first)] })
    assert.deepEqual(hopsTo(spec, facts), ['220.0.2.2', '220.0.2.3'])
    assert.deepEqual(hopsTo(spec, without(2)), ['220.0.2.3'])
  })

  it('knows a next hop however its address is written, and has it once', () => {
    const routes = ['9470::2:2', '9470:0::2:2', '9470::2:3'].map((gw) => ({ cidr: 'fd02::/64', gw, dev: 'vx-bridge' }))
    const hops = (unreachable: readonly string[]) =>
      desired(plainSpec(me, [first, second], { routes }), { ...facts, unreachable: new Set(unreachable) })
        .routes.get('fd02::/64')
        ?.hops.map(({ gateway }) => gateway)
    assert.deepEqual(hops([]), ['9470::2:2', '9470::2:3'])
    assert.deepEqual(hops(['9470::2:2']), ['9470::2:3'])
  })

  it('falls back to a higher metric when nobody of the lowest answers', () => {
    const spec = plainSpec(me, [first, second], { routes: [via('10.2.0.0/16', first), via('10.2.0.0/16', second, 10)] })
    assert.deepEqual(hopsTo(spec, facts), ['220.0.2.2'])
    assert.deepEqual(hopsTo(spec, without(2)), ['220.0.2.3'])
  })

  it('goes on sending by the lowest metric when nobody answers', () => {
    const spec = plainSpec(me, [first, second], { routes: [via('10.2.0.0/16', first), via('10.2.0.0/16', second, 10)] })
    assert.deepEqual(hopsTo(spec, without(2, 3)), ['220.0.2.2'])
  })

  it('lets secure addresses be nowhere but in the tunnel', () => {
    const { routes, links } = desired(secureSpec(me, [first]), facts)
    assert.deepEqual(routes.get('240.0.0.0/8'), { cidr: '240.0.0.0/8', hops: [] })
    assert.deepEqual(routes.get('240.0.2.2/32')?.hops, [{ dev: 'kl-wireguard' }])
    assert.equal(links.get('kl-wireguard')?.kind, 'tun')
    assert(!desired(plainSpec(me, [first]), facts).routes.has('240.0.0.0/8'))
  })

  it('has the peers of the tunnel', () => {
    const { wireGuards } = desired(secureSpec(me, [first, second]), facts)
    const device = wireGuards.get('kl-wireguard')
    assert.equal(device?.publicKey, 'ours')
    assert.deepEqual([...(device?.peers.keys() ?? [])], ['two', 'three'])
    assert.deepEqual(device?.peers.get('two'), {
      publicKey: 'two',
      endpoint: '192.0.2.2:51872',
      allowedIPs: ['240.0.2.2/32'],
      keepaliveSeconds: 25,
    })
  })

  it('leaves IPv6 out on a node that has none', () => {
    const routes = [via('10.2.0.0/16', first), { cidr: 'fd02::/64', gw: '9470::2:2', dev: 'vx-bridge' }]
    const state = desired(plainSpec(me, [first], { routes }), { ...facts, hasIpv6: false })
    assert.deepEqual(state.links.get('vx-bridge')?.addresses, ['220.0.2.1/32'])
    assert.deepEqual(
      [...state.routes.keys(), ...state.neighbours.keys()].filter((key) => key.includes(':')),
      [],
    )
    assert.deepEqual(state.rules, new Set(['4']))
  })

  it('hands what comes from other clusters on to the node that has the pod, and nothing else', () => {
    const inwardRoutes = [{ cidr: '10.1.2.0/24', gw: '210.0.2.2', dev: 'vx-local' }]
    const { rules, routes } = desired(plainSpec(me, [first], { inwardRoutes }), facts)
    assert.deepEqual(rules, new Set(['4', '4 vx-bridge', '6']))
    assert.equal(routes.get('10.1.2.0/24'), undefined)
    assert.deepEqual(routes.get('inward 10.1.2.0/24')?.hops, [{ dev: 'vx-local', gateway: '210.0.2.2' }])
  })

  it('hands on to the first gateway that answers, what others have handed on to those after it, else straight on', () => {
    const local = (number: number) => `210.0.2.${number}`
    const detours = [
      { gw: local(2), dev: 'vx-local' },
      { gw: local(5), dev: 'vx-local', metric: 1, takesHandedOn: true },
      { gw: local(6), dev: 'vx-local', metric: 2, takesHandedOn: true },
    ]
    const plain = plainSpec(me, [first], { routes: [via('10.2.0.0/16', first)], detours })
    const device = { type: 'vxlan', name: 'vx-local', id: 55, port: 4877, mtu: 1450 } as const
    const spec = { ...plain, devices: [...(plain.devices ?? []), device] }
    const hops = (...silent: string[]) => {
      const { routes } = desired(spec, { ...facts, unreachable: new Set(silent) })
      return ['10.2.0.0/16', 'handed-on 10.2.0.0/16'].map((key) => routes.get(key)?.hops.map(({ gateway }) => gateway))
    }
    const direct = bridgeAddress(first)
    assert.deepEqual(hops(), [[direct], undefined])
    assert.deepEqual(hops(direct), [[local(2)], [local(5)]])
    assert.deepEqual(hops(direct, local(5)), [[local(2)], [local(6)]])
    assert.deepEqual(hops(direct, local(2)), [[local(5)], [local(5)]])
    assert.deepEqual(hops(direct, local(5), local(6)), [[local(2)], [direct]])
    assert.deepEqual(hops(direct, local(2), local(5), local(6)), [[direct], undefined])
    assert.deepEqual(desired(spec, facts).rules, new Set(['4', '4 vx-local handed-on', '6']))
    const ofTwo = { ...spec, detours: detours.slice(0, 1) }
    assert.deepEqual(desired(ofTwo, without(2)).routes.get('handed-on 10.2.0.0/16')?.hops, [
      { dev: 'vx-bridge', gateway: direct },
    ])
    assert.deepEqual(desired(ofTwo, facts).rules, new Set(['4', '4 vx-local handed-on', '6']))
  })

  it('opens the chains of others that are closed, before the rule that does it', () => {
    const spec = plainSpec(me, [first])
    assert.deepEqual(desired(spec, facts).forwards, new Map())
    const chain = { iptables: 'iptables' } as const
    assert.deepEqual(
      [...desired(spec, { ...facts, closedChains: [{ chain, before: 3 }] }).forwards.values()],
      [
        { chain, direction: 'i', dev: 'vx-bridge', at: 3 },
        { chain, direction: 'o', dev: 'vx-bridge', at: 3 },
      ],
    )
  })
})
