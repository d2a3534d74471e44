import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { devices } from '../../model/names.ts'
import { afterStep } from './effect.ts'
import { fdbKey, type KernelState, type Link, neighbourKey, nothing, type Route, routeKey } from './state.ts'
import type { LinkChange } from './step.ts'

const link = (name: string, addresses: string[]): Link => ({
  name,
  kind: 'vxlan',
  mtu: 1450,
  addresses,
  isUp: true,
  isMarked: true,
  isLoose: true,
})
const [a, b] = [link('vx-a', ['220.0.0.1/32', '9470::1/128']), link('vx-b', ['220.0.0.2/32', '9470::2/128'])]
const by = (cidr: string, devs: readonly string[], source?: string): Route => ({
  cidr,
  hops: devs.map((dev) => ({ dev })),
  ...(source && { source }),
})
const mac = '02:00:00:00:00:09'
const entriesOf = (dev: string, ip: string) => ({
  neighbour: { ip, dev, mac },
  fdb: { ip: '192.0.2.9', dev, mac },
})

/** Two devices with a neighbour of each family, and the routes given. */
function kernel(...routes: Route[]): KernelState {
  const all = [a, b].flatMap(({ name }) => [entriesOf(name, '220.0.0.9'), entriesOf(name, '9470::9')])
  return {
    ...nothing,
    links: new Map([a, b].map((one) => [one.name, one])),
    routes: new Map(routes.map((route) => [routeKey(route), route])),
    neighbours: new Map(all.map(({ neighbour }) => [neighbourKey(neighbour), neighbour])),
    fdbs: new Map(all.map(({ fdb }) => [fdbKey(fdb), fdb])),
  }
}
const cidrs = ({ routes }: KernelState) => [...routes.values()].map(({ cidr }) => cidr)
const neighbours = ({ neighbours }: KernelState) => [...neighbours.values()].map(({ dev, ip }) => `${dev} ${ip}`)
const allNeighbours = ['vx-a 220.0.0.9', 'vx-a 9470::9', 'vx-b 220.0.0.9', 'vx-b 9470::9']

describe('what else the kernel does', () => {
  const shared4 = by('10.1.0.0/16', ['vx-a', 'vx-b'])
  const shared6 = by('fd00:1::/48', ['vx-a', 'vx-b'])

  it('with a device it forgets what hangs on it: of routes by two devices those of IPv4, and of IPv6 one next hop', () => {
    const alone6 = by('fd00:2::/48', ['vx-a'])
    const other = by('10.2.0.0/16', ['vx-b'])
    const left = afterStep(kernel(shared4, shared6, alone6, other), { do: 'link.delete', name: 'vx-a' })
    assert.deepEqual([...left.links.keys()], ['vx-b'])
    assert.deepEqual([...left.routes.values()], [by('fd00:1::/48', ['vx-b']), other])
    assert.deepEqual(neighbours(left), allNeighbours.slice(2))
    assert.deepEqual(new Set([...left.fdbs.values()].map(({ dev }) => dev)), new Set(['vx-b']))
  })

  it('with a device it forgets the sources of IPv4 that were on it, and keeps those of IPv6', () => {
    const named4 = by('10.2.0.0/16', ['vx-b'], '220.0.0.1')
    const named6 = by('fd00:2::/48', ['vx-b'], '9470::1')
    const left = afterStep(kernel(named4, named6), { do: 'link.delete', name: 'vx-a' })
    assert.deepEqual([...left.routes.values()], [named6])
  })

  it('with a device of a tunnel it forgets the tunnel, and no other', () => {
    const wireGuards = new Map(
      [a, b].map(({ name }) => [name, { dev: name, port: 51872, publicKey: 'key', peers: [] }]),
    )
    const ipsecs = new Map([['peer', {}]]) as unknown as KernelState['ipsecs']
    const { ipsec } = devices
    const has = { ...kernel(), wireGuards: wireGuards as unknown as KernelState['wireGuards'], ipsecs }
    const withIpsec = afterStep(has, { do: 'link.add', link: link(ipsec.name, []) })
    const left = afterStep(withIpsec, { do: 'link.delete', name: 'vx-a' })
    assert.deepEqual([...left.wireGuards.keys()], ['vx-b'])
    assert.equal(left.ipsecs.size, 1)
    assert.equal(afterStep(left, { do: 'link.delete', name: ipsec.name }).ipsecs.size, 0)
  })

  it('a new device has no address and is strict, and its addresses are in order', () => {
    const address = (text: string) => ({ do: 'address.add', dev: 'vx-c', address: text }) as const
    const bare = afterStep(kernel(), { do: 'link.add', link: link('vx-c', ['220.0.0.3/32']) })
    assert.deepEqual(bare.links.get('vx-c'), { ...link('vx-c', []), isLoose: false })
    const dressed = ['9470::3/128', '220.0.0.3/32'].map(address).reduce(afterStep, bare)
    assert.deepEqual(dressed.links.get('vx-c')?.addresses, ['220.0.0.3/32', '9470::3/128'])
  })

  it('with another MAC a device has no neighbours, with another MTU it keeps them', () => {
    const set = (change: LinkChange) => afterStep(kernel(), { do: 'link.set', name: 'vx-a', change })
    assert.deepEqual(neighbours(set({ mac })), allNeighbours.slice(2))
    assert.deepEqual(neighbours(set({ mtu: 1400 })), allNeighbours)
  })

  it('with the last address of IPv4 goes what is of IPv4 on the device, but for routes that lead elsewhere as well', () => {
    const only4 = by('10.3.0.0/16', ['vx-a'])
    const only6 = by('fd00:3::/48', ['vx-a'])
    const nowhere = by('10.9.0.0/16', [])
    const has = kernel(shared4, only4, only6, nowhere)
    const left = afterStep(has, { do: 'address.delete', dev: 'vx-a', address: '220.0.0.1/32' })
    assert.deepEqual(
      cidrs(left),
      [shared4, only6, nowhere].map(({ cidr }) => cidr),
    )
    assert.deepEqual(neighbours(left), allNeighbours.slice(1))
    const another = afterStep(has, { do: 'address.add', dev: 'vx-a', address: '220.0.0.7/32' })
    const kept = afterStep(another, { do: 'address.delete', dev: 'vx-a', address: '220.0.0.1/32' })
    assert.deepEqual(cidrs(kept), cidrs(has))
    const again = afterStep(left, { do: 'route.replace', route: only4 })
    const bare = afterStep(again, { do: 'address.delete', dev: 'vx-a', address: '9470::1/128' })
    assert.deepEqual(cidrs(bare), cidrs(again), 'an address of IPv6 takes nothing of IPv4')
    const without6 = afterStep(has, { do: 'address.delete', dev: 'vx-a', address: '9470::1/128' })
    assert.deepEqual([cidrs(without6), neighbours(without6)], [cidrs(has), allNeighbours])
  })

  it('with an address that nobody else has go the routes of IPv4 that name it as their source; those of IPv6 lose it', () => {
    const named4 = by('10.4.0.0/16', ['vx-b'], '220.0.0.1')
    const named6 = by('fd00:4::/48', ['vx-b'], '9470::1')
    const take = (has: KernelState, address: string) => afterStep(has, { do: 'address.delete', dev: 'vx-a', address })
    const has = kernel(named4, named6)
    assert.deepEqual([...take(has, '220.0.0.1/32').routes.values()], [named6])
    assert.deepEqual([...take(has, '9470::1/128').routes.values()], [named4, by('fd00:4::/48', ['vx-b'])])
    const twice = afterStep(has, { do: 'address.add', dev: 'vx-b', address: '220.0.0.1/32' })
    assert.deepEqual(cidrs(take(twice, '220.0.0.1/32')), cidrs(has))
  })
})
