import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseResources } from '@kosmos/kube'
import { Group } from '../placement/group.ts'
import type { Standing } from '../placement/standing.ts'
import { policyLike } from '../pods.fixture.ts'
import { compilePolicy } from '../policies/compiled-policy.ts'
import { readRefusals, writtenRefusals } from './refusals.ts'
import { statusOf } from './status.ts'

const stored = policyLike({
  allocationPolicy: [
    { name: 'leaf1', replicas: 2 },
    { name: 'leaf2', replicas: 1 },
  ],
  allocationType: 'Required',
})
const policy = compilePolicy(stored)
const none = { groups: [], refusals: [], absent: [], before: undefined }
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
  const group = new Group(policy)
  for (const [i, parts] of standings.entries()) group.set(`shop/p${i}`, standing(parts))
  return group
}
const reasonOf = (...groups: Group[]) => {
  const [condition] = statusOf(stored, policy, { ...none, groups }, now)?.conditions ?? []
  return [condition?.reason, condition?.message.split(': ').at(-1)]
}

describe('the status of a policy', () => {
  it('says that it places none, what has them, and which of its values no node has', () => {
    const said = (findings: object) => statusOf(stored, policy, { ...none, ...findings }, now)?.conditions?.[0]
    assert.deepEqual([said({})?.reason, said({})?.status], ['NoPods', 'True'])
    assert.doesNotMatch(said({})?.message ?? '', /: $/)
    assert.match(
      said({ before: 'older', absent: ['leaf2'] })?.message ?? '',
      /: WorkloadPolicy older names the same workload and comes first, no node has kosmos.io\/cluster=leaf2$/,
    )
    const kept = groupOf({ share: 1, isGated: true })
    assert.match(said({ groups: [kept], absent: ['leaf2'] })?.message ?? '', /: 1 wait, no node has .*=leaf2$/)
    const uneven = groupOf({ share: 0 }, { share: 0 }, { share: undefined })
    assert.match(
      said({ groups: [uneven], absent: ['leaf2'] })?.message ?? '',
      /leaf2 has 0 of 1, no node has .*=leaf2$/,
    )
    assert.doesNotMatch(said({ groups: [groupOf({ share: 0 })], absent: ['leaf2'] })?.message ?? '', /no node/)
  })

  it('says that pods wait when what they ask for is full, although there is room elsewhere', () => {
    const asking = { isGated: true, asked: new Set(['leaf2']) }
    assert.deepEqual(reasonOf(groupOf({ share: 1 }, asking))[0], 'QuotaReached')
    assert.deepEqual(reasonOf(groupOf({ share: 1 }, asking, { isGated: true }))[0], 'Placing')
    assert.deepEqual(reasonOf(groupOf(asking))[0], 'Placing')
  })

  it('has what nodes refused, so that the next leader knows it, and says so when that is over', () => {
    const refusals = [
      {
        node: 'kosmos-leaf1',
        requests: parseResources({ cpu: '2' }),
        tries: 2,
        until: 60_000,
        machines: 1,
        message: 'no',
      },
    ]
    const status = statusOf(stored, policy, { ...none, refusals }, now)
    assert.deepEqual(status?.refusals, [
      {
        node: 'kosmos-leaf1',
        requests: { cpu: '2' },
        tries: 2,
        until: '1970-01-01T00:01:00.000Z',
        machines: 1,
        message: 'no',
      },
    ])
    const known = readRefusals({ ...stored, status: status ?? {} })
    assert.deepEqual(writtenRefusals(known), status.refusals)
    assert.deepEqual(statusOf({ ...stored, status }, policy, none, now)?.refusals, [])
    assert.equal(statusOf(stored, policy, none, now)?.refusals, undefined)
  })

  it('says what belongs where, what is there, and what of that is Ready', () => {
    const group = groupOf({ share: 0, isReady: true }, { share: 0 }, { share: 1, isReady: true })
    const { conditions, ...status } = statusOf(stored, policy, { ...none, groups: [group] }, now) ?? {}
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
    const groups = [groupOf({ share: 0 }), groupOf({ share: 0 })]
    const status = statusOf(stored, policy, { ...none, groups }, now)
    assert.deepEqual(status?.allocations?.[0], { name: 'leaf1', desired: 2, assigned: 2, ready: 0 })
  })

  it('is not written again while nothing changes', () => {
    const groups = [groupOf({ share: 0 })]
    const status = statusOf(stored, policy, { ...none, groups }, now)
    assert(status)
    assert.equal(statusOf({ ...stored, status }, policy, { ...none, groups }, '2026-02-02T00:00:00Z'), undefined)
  })

  it('tells pods that are about to be placed from those that have no place', () => {
    const waiting = { isGated: true }
    assert.equal(reasonOf(groupOf({ share: 0 }, waiting))[0], 'Placing')
    const group = groupOf({ share: 0 }, { share: 0 }, { share: 1 }, waiting, waiting)
    assert.deepEqual(reasonOf(group), ['QuotaReached', '2 wait'])
    const preferred = { ...policy, isRequired: false }
    const [condition] = statusOf(stored, preferred, { ...none, groups: [group] }, now)?.conditions ?? []
    assert.equal(condition?.reason, 'NoRoom')
  })

  it('names what is elsewhere than it belongs', () => {
    assert.deepEqual(reasonOf(groupOf({ share: 0 }, { share: 0 }, {})), ['Uneven', 'leaf2 has 0 of 1'])
  })
})
