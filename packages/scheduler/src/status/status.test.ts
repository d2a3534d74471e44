import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Group } from '../placement/group.ts'
import type { Standing } from '../placement/standing.ts'
import { policyLike } from '../pods.fixture.ts'
import { compilePolicy } from '../policies/compiled-policy.ts'
import { statusOf } from './status.ts'

const stored = policyLike({
  allocationPolicy: [
    { name: 'leaf1', replicas: 2 },
    { name: 'leaf2', replicas: 1 },
  ],
  allocationType: 'Required',
})
const policy = compilePolicy(stored)
const now = '2026-01-01T00:00:00Z'
const standing = (parts: Partial<Standing>): Standing => ({
  share: undefined,
  number: undefined,
  isGated: false,
  asked: undefined,
  isReady: false,
  ...parts,
})
const groupOf = (...standings: Partial<Standing>[]) => {
  const group = new Group(policy.shares)
  for (const [i, parts] of standings.entries()) group.set(`shop/p${i}`, standing(parts))
  return group
}
const reasonOf = (...groups: Group[]) => {
  const [condition] = statusOf(stored, policy, groups, now)?.conditions ?? []
  return [condition?.reason, condition?.message.split(': ').at(-1)]
}

describe('the status of a policy', () => {
  it('says what belongs where, what is there, and what of that is Ready', () => {
    const group = groupOf({ share: 0, isReady: true }, { share: 0 }, { share: 1, isReady: true })
    const { conditions, ...status } = statusOf(stored, policy, [group], now) ?? {}
    assert.deepEqual(status, {
      observedGeneration: 1,
      pods: 3,
      waiting: 0,
      elsewhere: 0,
      allocations: [
        { name: 'leaf1', desired: 2, assigned: 2, ready: 1 },
        { name: 'leaf2', desired: 1, assigned: 1, ready: 1 },
      ],
    })
    assert.equal(conditions?.[0]?.reason, 'AsAllocated')
  })

  it('adds up what is counted apart', () => {
    const status = statusOf(stored, policy, [groupOf({ share: 0 }), groupOf({ share: 0 })], now)
    assert.deepEqual(status?.allocations?.[0], { name: 'leaf1', desired: 2, assigned: 2, ready: 0 })
  })

  it('is not written again while nothing changes', () => {
    const groups = [groupOf({ share: 0 })]
    const status = statusOf(stored, policy, groups, now)
    assert(status)
    assert.equal(statusOf({ ...stored, status }, policy, groups, '2026-02-02T00:00:00Z'), undefined)
  })

  it('tells pods that are about to be placed from those that have no place', () => {
    const waiting = { isGated: true }
    assert.equal(reasonOf(groupOf({ share: 0 }, waiting))[0], 'Placing')
    assert.deepEqual(reasonOf(groupOf({ share: 0 }, { share: 0 }, { share: 1 }, waiting, waiting)), [
      'QuotaReached',
      '2 wait',
    ])
  })

  it('names what is elsewhere than it belongs', () => {
    assert.deepEqual(reasonOf(groupOf({ share: 0 }, { share: 0 }, {})), ['Uneven', 'leaf2 has 0 of 1'])
  })
})
