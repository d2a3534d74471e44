import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { diff, diffRoutes } from './diff.ts'
import { afterStep } from './effect.ts'
import { kernelStates } from './state.fixture.ts'
import { type KernelState, type Link, nothing, type Route } from './state.ts'

const bridge: Link = {
  name: 'vx-bridge',
  kind: 'vxlan',
  vxlan: { id: 54, port: 4876, local: '192.0.2.1' },
  mac: '02:00:00:00:00:01',
  mtu: 1450,
  addresses: ['220.0.2.1/32'],
  isUp: true,
  isMarked: true,
  isLoose: true,
}
const route: Route = { cidr: '10.2.0.0/16', source: '220.0.2.1', hops: [{ dev: 'vx-bridge', gateway: '220.0.2.2' }] }
const state = (parts: Partial<KernelState>): KernelState => ({ ...nothing, nft: 'table', ...parts })
const withBridge = (link: Link) =>
  state({ links: new Map([[link.name, link]]), routes: new Map([[route.cidr, route]]) })
const names = (has: KernelState, wants: KernelState) => diff(has, wants).map((step) => step.do)

describe('the steps from one state of the kernel to another', () => {
  it('lead there, from wherever', () => {
    fc.assert(
      fc.property(kernelStates, kernelStates, (has, wants) => {
        assert.deepEqual(diff(has, wants).reduce(afterStep, has), wants)
      }),
      { numRuns: 1_000 },
    )
  })

  it('are none where nothing has to change', () => {
    fc.assert(fc.property(kernelStates, (has) => assert.deepEqual(diff(has, structuredClone(has)), [])))
  })

  it('leave nothing of ours behind when nothing is wanted', () => {
    fc.assert(fc.property(kernelStates, (has) => assert.deepEqual(diff(has, nothing).reduce(afterStep, has), nothing)))
  })

  it('guard before there is anything to guard, and until it is gone', () => {
    assert.deepEqual(names(nothing, withBridge(bridge)).slice(0, 2), ['nft.replace', 'link.add'])
    assert.equal(names(withBridge(bridge), nothing).at(-1), 'nft.replace')
  })

  it('make a device anew only for what cannot be changed', () => {
    const other = { ...bridge, mtu: 1400, mac: '02:00:00:00:00:09' }
    assert.deepEqual(names(withBridge(bridge), withBridge(other)), ['link.set'])
    const moved = { ...bridge, vxlan: { id: 54, port: 4876, local: '192.0.2.9' } }
    const steps = names(withBridge(bridge), withBridge(moved))
    assert.deepEqual(steps, ['link.delete', 'link.add', 'link.loosen', 'address.add', 'route.replace'])
  })

  it('add an address before the routes that name it, and take the old one after them', () => {
    const wants = state({
      links: new Map([['vx-bridge', { ...bridge, addresses: ['220.0.2.7/32'] }]]),
      routes: new Map([[route.cidr, { ...route, source: '220.0.2.7' }]]),
    })
    assert.deepEqual(names(withBridge(bridge), wants), ['address.add', 'route.replace', 'address.delete'])
  })

  it('make a route anew that has next hops by two devices, before one of them loses its last address', () => {
    const other: Link = { ...bridge, name: 'vx-other', addresses: ['210.0.2.1/32'] }
    const both: Route = { ...route, hops: [...route.hops, { dev: other.name, gateway: '210.0.2.2' }] }
    const having = (link: Link) =>
      state({ links: new Map([bridge, link].map((each) => [each.name, each])), routes: new Map([[both.cidr, both]]) })
    assert.deepEqual(names(having(other), having({ ...other, addresses: [] })), [
      'route.delete',
      'address.delete',
      'route.replace',
    ])
  })

  it('put next hops on the link before others go through them', () => {
    const onLink: Route = { cidr: '220.0.2.2/32', source: '220.0.2.1', hops: [{ dev: 'vx-bridge' }] }
    const routes = new Map([route, onLink].map((each) => [each.cidr, each]))
    const steps = diffRoutes(new Map(), routes)
    assert.deepEqual(
      steps.map((step) => 'route' in step && step.route.cidr),
      ['220.0.2.2/32', '10.2.0.0/16'],
    )
  })

  it('set the neighbours again of a device whose MAC changes, since the kernel forgets them', () => {
    const neighbour = { dev: 'vx-bridge', ip: '220.0.2.2', mac: '02:00:00:00:00:02' }
    const neighbours = new Map([['vx-bridge 220.0.2.2', neighbour]])
    const has = { ...withBridge(bridge), neighbours }
    const wants = { ...withBridge({ ...bridge, mac: '02:00:00:00:00:09' }), neighbours }
    assert.deepEqual(names(has, wants), ['link.set', 'neighbour.replace'])
    assert.deepEqual(names(has, { ...wants, neighbours: new Map() }), ['link.set'])
  })

  it('change a route in one step, so that there is no moment without', () => {
    const wants = new Map([[route.cidr, { ...route, hops: [{ dev: 'vx-bridge', gateway: '220.0.2.3' }] }]])
    assert.deepEqual(
      diffRoutes(new Map([[route.cidr, route]]), wants).map((step) => step.do),
      ['route.replace'],
    )
  })
})
