import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooseUnderlay, type ShownInterface, type Surroundings } from './choose.ts'
import { parseAutodetection } from './method.ts'

const shown = (ifname: string, addresses: readonly string[], parts: Partial<ShownInterface> = {}): ShownInterface => ({
  ifname,
  flags: ['UP'],
  mtu: 1500,
  addr_info: addresses.map((local) => ({ family: local.includes(':') ? 'inet6' : 'inet', local, scope: 'global' })),
  ...parts,
})

const node: Surroundings = {
  interfaces: [
    shown('lo', ['127.0.0.1']),
    shown('docker0', ['172.17.0.1']),
    shown('eth0', ['192.0.2.1', '2001:db8::1']),
    shown('eth1', ['198.51.100.7', '10.9.0.1'], { mtu: 9000 }),
    shown('eth2', ['203.0.113.1'], { flags: [] }),
    shown('vx-bridge', ['220.0.2.1'], { ifalias: 'kosmos.io' }),
  ],
  defaultRoutes: [
    { dev: 'eth1', metric: 200 },
    { dev: 'eth0', metric: 100 },
  ],
}

const choose = (method: string, surroundings: Surroundings = node) =>
  chooseUnderlay(parseAutodetection(method), surroundings)

describe('where the tunnels of a node start from', () => {
  it('is the interface of the best default route', () => {
    assert.deepEqual(choose('first-found'), { interfaceName: 'eth0', ip: '192.0.2.1', ip6: '2001:db8::1', mtu: 1500 })
  })

  it('is the first real interface where there is no default route', () => {
    assert.equal(choose('first-found', { ...node, defaultRoutes: [] })?.interfaceName, 'eth0')
    assert.equal(choose('first-found', { interfaces: node.interfaces.slice(0, 2), defaultRoutes: [] }), undefined)
  })

  it('has the address that the route prefers', () => {
    const defaultRoutes = [{ dev: 'eth1', prefsrc: '10.9.0.1' }]
    assert.equal(choose('first-found', { ...node, defaultRoutes })?.ip, '10.9.0.1')
  })

  it('may be the default route over several next hops', () => {
    const defaultRoutes = [{ nexthops: [{ dev: 'eth1' }, { dev: 'eth0' }] }]
    assert.equal(choose('first-found', { ...node, defaultRoutes })?.interfaceName, 'eth1')
  })

  it('is how an address is reached', () => {
    const routeTo = { dev: 'eth1', prefsrc: '198.51.100.7' }
    assert.deepEqual(choose('can-reach=8.8.8.8', { ...node, routeTo }), {
      interfaceName: 'eth1',
      ip: '198.51.100.7',
      mtu: 9000,
    })
    assert.equal(choose('can-reach=8.8.8.8'), undefined)
  })

  it('is the first interface with a name like that, the whole name', () => {
    assert.equal(choose('interface=eth1')?.interfaceName, 'eth1')
    assert.equal(choose('interface=eth.*')?.interfaceName, 'eth0')
    assert.equal(choose('interface=th1'), undefined)
    assert.equal(choose('interface=docker0')?.ip, '172.17.0.1')
  })

  it('is where an address of a network is', () => {
    assert.deepEqual(choose('cidr=203.0.113.0/24,10.9.0.0/16'), { interfaceName: 'eth1', ip: '10.9.0.1', mtu: 9000 })
    assert.equal(choose('cidr=203.0.113.0/24'), undefined)
  })

  it('is never a device of ours, nor an address that comes and goes', () => {
    assert.equal(choose('interface=vx-bridge'), undefined)
    const addr_info = [
      { family: 'inet6', local: '2001:db8::dead', scope: 'global', temporary: true },
      { family: 'inet6', local: '2001:db8::1', scope: 'global' },
      { family: 'inet6', local: 'fe80::1', scope: 'link' },
    ]
    const interfaces = [shown('eth0', [], { addr_info })]
    assert.equal(choose('first-found', { interfaces, defaultRoutes: [] })?.ip6, '2001:db8::1')
  })

  it('stays where it is when the interface gets another address, which kernels list before the ones of IPv6 it had', () => {
    const before = choose('first-found')
    const addresses = ['192.0.2.1', '192.0.2.99', '2001:db8::99', '2001:db8::1']
    const interfaces = [shown('eth0', addresses)]
    const inUse = new Set([before?.ip, before?.ip6].filter((address) => address !== undefined))
    assert.deepEqual(choose('first-found', { ...node, interfaces, inUse }), before)
    assert.deepEqual(choose('interface=eth0', { ...node, interfaces, inUse }), before)
    assert.equal(choose('cidr=2001:db8::/64', { ...node, interfaces, inUse })?.ip6, before?.ip6)
    assert.equal(choose('first-found', { ...node, interfaces })?.ip6, '2001:db8::99', 'nothing is known')
    const gone = [shown('eth0', addresses.slice(0, 3))]
    assert.equal(choose('first-found', { ...node, interfaces: gone, inUse })?.ip6, '2001:db8::99')
  })

  it('is asked for in no other way', () => {
    for (const method of ['', 'last-found', 'can-reach=host', 'cidr=10', 'interface=', 'first-found=1', 'interface=('])
      assert.throws(() => parseAutodetection(method), Error, method)
  })
})
