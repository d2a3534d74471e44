import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { NextHopStatus } from '@kosmos/api'
import fc from 'fast-check'
import { NextHopWatch, silenceMs } from './next-hop-news.ts'

const asked = '2026-11-29T12:00:00Z'
const hop = (address: string, reachable: boolean): NextHopStatus => ({
  address,
  reachable,
  since: asked,
  lastProbeTime: asked,
})
const said = (version: string, nextHops: readonly NextHopStatus[], isKnown = false) => ({ version, nextHops, isKnown })
const quiet = { silent: [], answering: [] }

describe('what is told of next hops', () => {
  it('is that one stopped to answer, when it has been silent for a while, and that it answers again', () => {
    const watch = new NextHopWatch()
    const [dead, alive] = [hop('220.0.0.2', false), hop('220.0.0.2', true)]
    assert.deepEqual(watch.look('n', said('1', [alive]), 0), quiet)
    assert.deepEqual(watch.look('n', said('2', [dead]), 1_000), { ...quiet, lookAfterMs: silenceMs })
    assert.deepEqual(watch.look('n', said('2', [dead]), 1_000 + silenceMs), { ...quiet, silent: ['220.0.0.2'] })
    assert.deepEqual(watch.look('n', said('3', [dead]), 100_000), quiet)
    assert.deepEqual(watch.look('n', said('4', [alive]), 200_000), { ...quiet, answering: ['220.0.0.2'] })
    assert.deepEqual(watch.look('n', said('5', [alive]), 300_000), quiet)
  })

  it('is nothing of a moment without answers, nor of one that was never asked', () => {
    const watch = new NextHopWatch()
    const { lastProbeTime: _, ...unasked } = hop('220.0.0.3', false)
    assert.deepEqual(watch.look('n', said('1', [unasked, hop('220.0.0.2', false)]), 0), {
      ...quiet,
      lookAfterMs: silenceMs,
    })
    assert.deepEqual(watch.look('n', said('2', [unasked, hop('220.0.0.2', true)]), silenceMs - 1), quiet)
    assert.deepEqual(watch.look('n', said('2', [unasked, hop('220.0.0.2', true)]), 10 * silenceMs), quiet)
  })

  it('is not told again by a controller that starts while one is silent', () => {
    const watch = new NextHopWatch()
    assert.deepEqual(watch.look('n', said('1', [hop('220.0.0.2', false)], true), 0), quiet)
    assert.deepEqual(watch.look('n', said('2', [hop('220.0.0.2', true)], true), 1), {
      ...quiet,
      answering: ['220.0.0.2'],
    })
  })

  it('is told of each by turns: silent, answering, silent; never twice, and never of less than the time', () => {
    const steps = fc.array(
      fc.record({ after: fc.nat(2 * silenceMs), reachable: fc.tuple(fc.boolean(), fc.boolean()) }),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(steps, (all) => {
        const watch = new NextHopWatch()
        const told = new Map<string, boolean>()
        const silentSince = new Map<string, number>()
        let now = 0
        for (const [index, { after, reachable }] of all.entries()) {
          now += after
          const hops = reachable.map((one, number) => hop(`220.0.0.${number}`, one))
          for (const { address, reachable } of hops) {
            if (reachable) silentSince.delete(address)
            else if (!silentSince.has(address)) silentSince.set(address, now)
          }
          const {
            silent,
            answering,
            lookAfterMs = Number.POSITIVE_INFINITY,
          } = watch.look('n', said(`${index}`, hops), now)
          for (const address of silent) {
            assert.notEqual(told.get(address), true)
            assert.ok(now - (silentSince.get(address) ?? now) >= silenceMs)
            told.set(address, true)
          }
          for (const address of answering) {
            assert.equal(told.get(address), true)
            told.set(address, false)
          }
          for (const [address, since] of silentSince) {
            assert.ok(told.get(address) === true || now + lookAfterMs <= since + silenceMs)
          }
        }
      }),
    )
  })
})
