import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compiled, type PodParts, podLike } from '../pods.fixture.ts'
import { gatesOfOthers, hasEnded, isCounted, isGated, nodeTakenBy, standingOf } from './standing.ts'

const ours = { name: 'kosmos.io/placement' }
const other = { name: 'example.org/quota' }
const gatedBy = (...schedulingGates: { name: string }[]) => podLike({ spec: { schedulingGates } })

describe('a pod at scheduling gates', () => {
  it('waits for us at ours, and for others only beside it', () => {
    assert.deepEqual([podLike(), gatedBy(), gatedBy(other), gatedBy(other, ours)].map(isGated), [
      false,
      false,
      false,
      true,
    ])
    assert.deepEqual(gatesOfOthers(gatedBy(ours)), [])
    assert.deepEqual(gatesOfOthers(gatedBy(other)), [])
    assert.deepEqual(gatesOfOthers(gatedBy(ours, other)), ['example.org/quota'])
  })
})

describe('the node that a pod takes room on', () => {
  const annotations = { 'kosmos.io/room-at': 'promised' }
  const status = { phase: 'Pending', nominatedNodeName: 'nominated' }
  const taken = (parts: PodParts) => nodeTakenBy(podLike(parts))

  it('is its own, else the one where others are preempted for it, else where there was room', () => {
    assert.equal(taken({ annotations, status, spec: { nodeName: 'own' } }), 'own')
    assert.equal(taken({ annotations, status }), 'nominated')
    assert.equal(taken({ annotations, status: { phase: 'Pending', nominatedNodeName: '' } }), 'promised')
    assert.equal(taken({}), undefined)
  })

  it('is none at the gate, also if it was written with the marks of another pod', () => {
    assert.equal(taken({ annotations, spec: { schedulingGates: [ours] } }), undefined)
  })
})

describe('a pod that takes a seat', () => {
  it('has not ended, is not being deleted, and is not at the gate of others', () => {
    for (const phase of ['Succeeded', 'Failed']) {
      assert(hasEnded(podLike({ status: { phase } })), phase)
      assert(!isCounted(podLike({ status: { phase } })), phase)
    }
    for (const phase of ['Pending', 'Running', 'Unknown']) assert(isCounted(podLike({ status: { phase } })), phase)
    assert(!isCounted(podLike({ isDeleting: true })))
    assert(!isCounted(gatedBy(ours, other)))
    assert(isCounted(gatedBy(ours)))
  })
})

describe('where a pod stands', () => {
  const policy = compiled({ allocationPolicy: [{ name: 'leaf1' }, { name: 'leaf2' }] })
  const at = (value: string) => ({ 'kosmos.io/cluster': value })
  const asking = { nodeSelector: at('leaf1') }
  const standing = (parts: PodParts, labels?: Record<string, string>) => standingOf(podLike(parts), policy, labels)

  it('is where its node is, whatever it asked for, and where it asks to be while that is not known', () => {
    assert.equal(standing({ spec: asking }, at('leaf2')).share, 1)
    assert.equal(standing({ spec: asking }, {}).share, undefined)
    assert.equal(standing({ spec: asking }).share, 0)
    assert.equal(standing({}).share, undefined)
    assert.equal(standing({ spec: { nodeSelector: at('nowhere') } }).share, undefined)
  })

  it('is nowhere at the gate, whatever it asks for', () => {
    const { share, isGated } = standing({ spec: { ...asking, schedulingGates: [ours] } })
    assert.deepEqual({ share, isGated }, { share: undefined, isGated: true })
  })

  it('has the number of its seat where it has a share, and if it is one', () => {
    const numbered = (text: string, spec: PodParts['spec'] = asking) =>
      standing({ annotations: { 'kosmos.io/seat': text }, spec }).number
    assert.equal(numbered('3'), 3)
    for (const text of ['0', '-1', '1.5', 'x', '']) assert.equal(numbered(text), undefined, text)
    assert.equal(numbered('3', {}), undefined)
  })

  it('is Ready when its node says so', () => {
    const ready = (status: string) => standing({ status: { conditions: [{ type: 'Ready', status }] } }).isReady
    assert.deepEqual(['True', 'False', 'Unknown'].map(ready), [true, false, false])
    assert.equal(standing({ status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } }).isReady, false)
  })
})
