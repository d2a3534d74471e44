import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reachOf } from './reach.ts'
import { Reaches } from './reaches.ts'

const cut = reachOf([
  {
    spec: { nodeName: 'n', routes: [{ cidr: '10.2.0.0/16', gw: '220.0.0.2', dev: 'vx-bridge' }] },
    status: {
      nextHops: [{ address: '220.0.0.2', reachable: false, since: '', lastProbeTime: '2026-11-29T12:00:00Z' }],
    },
  },
])

describe('what clusters reach', () => {
  it('is everything before anybody has looked, and news when it changes', () => {
    const reaches = new Reaches(() => true)
    assert.ok(reaches.of('paris').reaches('10.2.0.1'))
    assert.equal(reaches.set('paris', reachOf([])), false)
    assert.equal(reaches.set('paris', cut), true)
    assert.equal(reaches.set('paris', cut), false)
    assert.ok(!reaches.of('paris').reaches('10.2.0.1'))
    assert.ok(reaches.of('rome').reaches('10.2.0.1'))
  })

  it('is forgotten with a cluster, and a later one of its name begins anew', () => {
    const there = new Set(['paris', 'rome'])
    const reaches = new Reaches((cluster) => there.has(cluster))
    for (const cluster of there) reaches.set(cluster, cut)
    there.delete('paris')
    reaches.set('rome', cut)
    assert.ok(reaches.of('paris').reaches('10.2.0.1'))
    assert.ok(!reaches.of('rome').reaches('10.2.0.1'))
  })
})
