import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decideLease, expiryOf, observe } from './decide.ts'
import { leaseOf } from './lease.fixture.ts'
import { checkedTiming } from './timing.ts'

const held = { holderIdentity: 'other', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.000000Z' }

describe('a candidate that looks at a lease', () => {
  it('creates it if there is none', () => {
    assert.deepEqual(decideLease(undefined, 'me', 0), { action: 'create' })
  })

  it('renews its own, also long after it expired', () => {
    const own = observe(undefined, leaseOf({ ...held, holderIdentity: 'me' }), 0)
    assert.deepEqual(decideLease(own, 'me', 1e9), { action: 'renew' })
  })

  it('takes one that was released, or that never named a holder, at once', () => {
    const { holderIdentity: _, ...nobody } = held
    for (const spec of [{ ...held, holderIdentity: '' }, nobody]) {
      const released = observe(undefined, leaseOf(spec), 0)
      assert.deepEqual(decideLease(released, 'me', 0), { action: 'take', reason: 'released' })
    }
  })

  it('takes one that says no duration at once, as client-go does', () => {
    const endless = observe(undefined, leaseOf({ holderIdentity: 'other' }), 0)
    assert.deepEqual(decideLease(endless, 'me', 0), { action: 'take', reason: 'expired' })
  })

  it('waits for the duration that the holder wrote, from when it saw the lease, whatever the time in it', () => {
    const seen = observe(undefined, leaseOf(held), 1000)
    assert.deepEqual(decideLease(seen, 'me', 15_999), { action: 'wait', until: 16_000 })
    assert.deepEqual(decideLease(seen, 'me', 16_000), { action: 'take', reason: 'expired' })
  })

  it('begins to wait anew when it was renewed, not when it was only labelled', () => {
    const seen = observe(undefined, leaseOf(held), 1000)
    const labelled = observe(seen, leaseOf(held, '2'), 5000)
    const renewed = observe(labelled, leaseOf({ ...held, renewTime: '2026-01-01T00:00:02.000000Z' }, '3'), 6000)
    const another = observe(renewed, leaseOf({ ...held, renewTime: '2026-01-01T00:00:02.000000Z' }, '9', 'v'), 7000)
    assert.deepEqual([labelled, renewed, another].map(expiryOf), [16_000, 21_000, 22_000])
    assert.equal(labelled.lease.metadata.resourceVersion, '2')
  })
})

describe('a lease that is looked at again', () => {
  it('counts from then if anything of its record has changed', () => {
    const changes = [
      { holderIdentity: 'third' },
      { renewTime: '2026-01-01T00:00:02.000000Z' },
      { leaseTransitions: 1 },
      { leaseDurationSeconds: 16 },
    ]
    for (const change of changes) {
      const seen = observe(undefined, leaseOf(held), 0)
      assert.equal(observe(seen, leaseOf({ ...held, ...change }, '2'), 1000).at, 1000, JSON.stringify(change))
    }
  })
})

describe('the timing of a lease', () => {
  it('is that of client-go unless said otherwise', () => {
    assert.deepEqual(checkedTiming({}), { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 })
  })

  it('is refused if two could hold the lease, or nobody could keep it', () => {
    for (const timing of [
      { leaseDurationMs: 10_000 },
      { leaseDurationMs: 15_500 },
      { renewDeadlineMs: 2_400 },
      { retryPeriodMs: 0 },
      { renewDeadlineMs: Number.NaN },
    ]) {
      assert.throws(() => checkedTiming(timing), RangeError, JSON.stringify(timing))
    }
  })
})
