import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reachOf } from './reach.ts'

const probed = '2026-01-01T00:00:00Z'
/** A node with routes (`network via next hop`), and what it hears. */
const node = (routes: readonly string[], heard: Readonly<Record<string, boolean>>, dev = 'vx-bridge') => ({
  spec: {
    nodeName: 'n',
    routes: routes.map((route) => {
      const [cidr = '', gw = ''] = route.split(' via ')
      return { cidr, gw, dev }
    }),
  },
  status: {
    nextHops: Object.entries(heard).map(([address, reachable]) => ({
      address,
      reachable,
      since: probed,
      lastProbeTime: probed,
    })),
  },
})

describe('what a cluster reaches of the others', () => {
  it('is what some next hop of some node answers for', () => {
    const one = node(['10.2.1.0/24 via 220.0.0.1', '10.2.2.0/24 via 220.0.0.2'], {
      '220.0.0.1': false,
      '220.0.0.2': true,
    })
    const { lost, reaches } = reachOf([one])
    assert.equal(lost, '10.2.1.0/24')
    assert.deepEqual(['10.2.1.7', '10.2.2.7', '192.0.2.1'].map(reaches), [false, true, true])
    const other = node(['10.2.1.0/24 via 220.0.0.1'], { '220.0.0.1': true })
    assert.equal(reachOf([one, other]).lost, '', 'one node alone that hears nothing is its own trouble')
    const twoWays = node(['10.2.0.0/16 via 220.0.0.1', '10.2.0.0/16 via 220.0.0.2'], { '220.0.0.1': false })
    assert.equal(reachOf([twoWays]).lost, '')
  })

  it('goes by the smallest network', () => {
    const mixed = node(['10.2.0.0/16 via 220.0.0.1', '10.2.1.0/24 via 220.0.0.2'], {
      '220.0.0.1': false,
      '220.0.0.2': true,
    })
    assert.deepEqual(['10.2.1.7', '10.2.2.7'].map(reachOf([mixed]).reaches), [true, false])
  })

  it('is not known from ways to the own gateway, nor from hops that were not asked yet', () => {
    assert.equal(reachOf([node(['10.2.0.0/16 via 210.0.0.1'], { '210.0.0.1': false }, 'vx-local')]).lost, '')
    const { spec } = node(['10.2.0.0/16 via 220.0.0.1'], {})
    const fresh = { spec, status: { nextHops: [{ address: '220.0.0.1', reachable: false, since: probed }] } }
    assert.equal(reachOf([fresh]).lost, '')
    assert.equal(reachOf([{ spec }]).lost, '')
  })
})
