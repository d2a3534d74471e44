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
    const reaches = new Reaches()
    assert.ok(reaches.of('paris').reaches('10.2.0.1'))
    assert.equal(reaches.set('paris', reachOf([])), false)
    assert.equal(reaches.set('paris', cut), true)
    assert.equal(reaches.set('paris', cut), false)
    assert.ok(!reaches.of('paris').reaches('10.2.0.1'))
    assert.ok(reaches.of('rome').reaches('10.2.0.1'))
  })

  it('is forgotten with a cluster, and a later one of its name begins anew', () => {
    const reaches = new Reaches()
    for (const cluster of ['paris', 'rome']) reaches.set(cluster, cut)
    reaches.keep((cluster) => cluster === 'rome')
    assert.ok(reaches.of('paris').reaches('10.2.0.1'))
    assert.ok(!reaches.of('rome').reaches('10.2.0.1'))
  })
})
