import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Report } from './report.ts'
import { statusOf } from './status.ts'
import { urgencyOf } from './urgency.ts'
import { isAsking } from './word.ts'

const now = Date.parse('2026-11-29T01:00:00.000Z')
const hop = (isReachable: boolean | undefined, parts = {}) => ({
  address: '220.0.2.2',
  reachability: { isReachable, since: now - 1_000, roundTripMicroseconds: 1_000, lossPercent: 0, ...parts },
})
const report: Report = {
  generation: 3,
  attempted: 3,
  applied: { reason: 'Applied' },
  changedAt: now - 5_000,
  syncedAt: now,
  underlay: { interfaceName: 'eth0', ip: '192.0.2.1', mtu: 1500 },
  wireGuard: { publicKey: 'key', implementation: 'kernel' },
  nextHops: [hop(true)],
}
const reasons = (each: Report) =>
  statusOf(each, undefined, now).conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`)

describe('the status of a NodeConfig', () => {
  it('says what is applied and who answers', () => {
    assert.deepEqual(reasons(report), ['Applied True Applied', 'NextHopsReachable True AllReachable'])
    const status = statusOf(report, undefined, now)
    assert.equal(status.observedGeneration, 3)
    assert.equal(status.lastChangeTime, '2026-11-29T00:59:55.000Z')
    assert.deepEqual(status.nextHops, [
      {
        address: '220.0.2.2',
        reachable: true,
        since: '2026-11-29T00:59:59.000Z',
        roundTripMicroseconds: 1_000,
        lossPercent: 0,
      },
    ])
  })

  it('says who does not answer, and who was not asked enough', () => {
    assert.equal(reasons({ ...report, nextHops: [hop(false)] })?.[1], 'NextHopsReachable False SomeUnreachable')
    assert.equal(reasons({ ...report, nextHops: [hop(undefined)] })?.[1], 'NextHopsReachable Unknown Probing')
    assert.equal(reasons({ ...report, nextHops: [] })?.[1], 'NextHopsReachable True AllReachable')
  })

  it('says why it is not applied, and of which generation that is', () => {
    const failed: Report = { ...report, attempted: 4, applied: { reason: 'ApplyFailed', detail: 'ip: no' } }
    const { observedGeneration, conditions = [] } = statusOf(failed, undefined, now)
    assert.equal(observedGeneration, 3)
    assert.equal(conditions[0]?.observedGeneration, 4)
    assert.match(conditions[0]?.message ?? '', /: ip: no$/)
  })

  it('keeps what an agent before knew and this one does not yet', () => {
    const before = statusOf(report, undefined, now)
    const status = statusOf({ nextHops: [] }, before, now + 1_000)
    assert.equal(status.lastChangeTime, before.lastChangeTime)
    assert.equal(status.observedGeneration, 3)
  })

  it('keeps the time of a condition that stays', () => {
    const before = statusOf(report, undefined, now)
    const after = statusOf(report, before, now + 60_000)
    assert.deepEqual(after.conditions, before.conditions)
  })
})

describe('when a status is written', () => {
  const written = statusOf(report, undefined, now)
  const urgency = (next: Report) => urgencyOf(written, statusOf(next, written, now + 1_000))

  it('is at once when there was none, or when somebody waits for it', () => {
    assert.equal(urgencyOf(undefined, written), 'now')
    assert.equal(urgency({ ...report, generation: 4 }), 'now')
    assert.equal(urgency({ ...report, nextHops: [hop(false)] }), 'now')
    assert.equal(urgency({ ...report, applied: { reason: 'ForwardingDisabled' } }), 'now')
    assert.equal(urgency({ ...report, changedAt: now }), 'now')
  })

  it('is never for times that pass and round trips that differ a little', () => {
    const passing = hop(true, { lastProbe: now + 500, roundTripMicroseconds: 1_100, lossPercent: 2 })
    assert.equal(urgency({ ...report, syncedAt: now + 1_000, nextHops: [passing] }), 'never')
  })

  it('is later for a quality that changed', () => {
    assert.equal(urgency({ ...report, nextHops: [hop(true, { roundTripMicroseconds: 9_000 })] }), 'later')
    assert.equal(urgency({ ...report, nextHops: [hop(true, { lossPercent: 10 })] }), 'later')
  })
})

describe('whether next hops are asked', () => {
  const asked = (...ages: (number | undefined)[]): Report => ({
    nextHops: ages.map((age, index) => ({
      address: `220.0.2.${index}`,
      reachability: { isReachable: true, since: 0, ...(age !== undefined && { lastProbe: now - age }) },
    })),
  })

  it('is so while all of them are, and when there is nobody to ask yet', () => {
    assert.ok(isAsking(asked(), now))
    assert.ok(isAsking(asked(200, 5_000, undefined), now))
  })

  it('is not so when some of them are not any more, though others are', () => {
    assert.ok(!isAsking(asked(30_000, 30_000), now))
    assert.ok(!isAsking(asked(200, 30_000), now))
  })
})
