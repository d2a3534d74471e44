import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { slimPod } from '../placement/slim-pod.ts'
import { type PodParts, podLike } from '../pods.fixture.ts'
import { claimsOf } from '../volumes/claims.ts'
import { isPlaced, type Stuck, stuckAt, takeBack } from './decide.ts'
import { takeBackEvents } from './events.ts'
import type { Hold } from './hold.ts'

const unschedulable = { type: 'kosmos.io/LeafScheduled', status: 'False', reason: 'Unschedulable', message: '0/2' }
const stuck = (parts: PodParts = {}) =>
  podLike({
    annotations: { 'kosmos.io/seat': '1' },
    owner: { kind: 'ReplicaSet', name: 'web-1' },
    status: { phase: 'Pending', conditions: [unschedulable] },
    ...parts,
    spec: { nodeName: 'kosmos-leaf1', ...parts.spec },
  })

/** Kept to kosmos-leaf1 by us, and not bound. */
const refused = (parts: PodParts = {}) =>
  podLike({
    annotations: { 'kosmos.io/seat': '1', 'kosmos.io/room-at': 'kosmos-leaf1' },
    owner: { kind: 'ReplicaSet', name: 'web-1' },
    status: { phase: 'Pending', conditions: [{ ...unschedulable, type: 'PodScheduled' }] },
    ...parts,
  })
const byLeaf: Stuck = { by: 'leaf', words: '0/2' }
const byRoot: Stuck = { by: 'root', words: '0/2' }
const bound: Hold = { claim: 'data', by: 'volume', what: 'pv-1' }
const unasked = () => assert.fail('nobody has to know')
const ownerless = (pod: Pod): Pod => {
  const { ownerReferences: _, ...metadata } = pod.metadata
  return { ...pod, metadata }
}

describe('a pod that its leaf finds no node for', () => {
  it('is stuck while it is bound and Pending, and its leaf says so', () => {
    assert.deepEqual(stuckAt(stuck()), byLeaf)
    assert.deepEqual(stuckAt(slimPod(stuck())), byLeaf)
    for (const parts of [
      { isDeleting: true },
      { spec: { nodeName: '' } },
      { status: { phase: 'Pending' } },
      { status: { phase: 'Running', conditions: [unschedulable] } },
      { status: { phase: 'Pending', conditions: [{ ...unschedulable, reason: 'SchedulingGated' }] } },
      { status: { phase: 'Pending', conditions: [{ ...unschedulable, status: 'True' }] } },
    ]) {
      assert.equal(stuckAt(stuck(parts)), undefined, JSON.stringify(parts))
    }
  })

  it('is evicted if it has its place by a policy, and somebody who makes another', () => {
    assert.equal(takeBack(slimPod(stuck()), byLeaf, undefined, unasked), 'evict')
    assert.deepEqual([stuck(), stuck({ annotations: {} })].map(isPlaced), [true, false])
    assert.deepEqual(takeBack(ownerless(stuck()), byLeaf, undefined, unasked), { why: 'hasNoOwner' })
  })

  it('stays if its claim is in its leaf already, and is asked about claims that outlive it only', () => {
    assert.deepEqual(takeBack(stuck(), byLeaf, bound, unasked), { why: 'hasClaim', hold: bound })
    const volumes = [
      { name: 'data', persistentVolumeClaim: { claimName: 'data-web-0' } },
      { name: 'scratch', ephemeral: { volumeClaimTemplate: {} } },
      { name: 'tmp', emptyDir: {} },
    ] as never
    assert.deepEqual(claimsOf(slimPod(stuck({ spec: { volumes } }))), ['data-web-0'])
  })

  it('tells why, with words that docs/reference/events.md explains', () => {
    const page = readFileSync(new URL('../../../../docs/reference/events.md', import.meta.url), 'utf8')
    for (const { reason, note } of [
      takeBackEvents.takenBack(stuck(), 30, byLeaf),
      takeBackEvents.notTakenBack(stuck(), 30, byLeaf, { why: 'hasNoOwner' }),
      takeBackEvents.takenBack(refused(), 30, byRoot),
      takeBackEvents.notTakenBack(refused(), 30, byRoot, { why: 'waitsForPlace' }),
    ]) {
      assert(page.includes(`| \`${reason}\` | Warning |`), reason)
      assert.match(note, /kosmos-leaf1.*30 s.*0\/2/)
    }
  })
})

describe("a pod that the root's scheduler does not bind where it has its place", () => {
  it('is stuck while it is neither bound nor at the gate, and nobody is preempted for it', () => {
    assert.deepEqual(stuckAt(refused()), byRoot)
    assert.deepEqual(stuckAt(slimPod(refused())), byRoot)
    const conditions = refused().status?.conditions ?? []
    for (const parts of [
      { isDeleting: true },
      { annotations: {} },
      { status: { phase: 'Pending' } },
      { status: { phase: 'Pending', conditions, nominatedNodeName: 'kosmos-leaf1' } },
      { status: { phase: 'Pending', conditions: [{ ...conditions[0], reason: 'SchedulerError' } as never] } },
      { spec: { schedulingGates: [{ name: 'kosmos.io/placement' }] } },
    ]) {
      assert.equal(stuckAt(slimPod(refused(parts))), undefined, JSON.stringify(parts))
    }
  })

  it('is evicted only where its successor has a node, and stays with the reason otherwise', () => {
    const offers = ['room', 'byPreemption', 'reserved', 'noRoom', 'refused', 'noNode', undefined] as const
    fc.assert(
      fc.property(
        fc.constantFrom(...offers),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (offer, waitsForPlace, isOwned, isHeld) => {
          const pod = slimPod(isOwned ? refused() : ownerless(refused()))
          const action = takeBack(pod, byRoot, isHeld ? bound : undefined, () => ({ offer, waitsForPlace }))
          const hasNode = offer === 'room' || offer === 'byPreemption'
          assert.equal(action === 'evict', isOwned && !isHeld && hasNode)
          if (isOwned && !isHeld && !hasNode) {
            assert.deepEqual(action, { why: waitsForPlace ? 'waitsForPlace' : 'hasNoOtherPlace' })
          }
        },
      ),
    )
  })
})
