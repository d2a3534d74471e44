import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { slimPod } from '../placement/slim-pod.ts'
import { type PodParts, podLike } from '../pods.fixture.ts'
import { stuckInLeaf, takeBack } from './decide.ts'
import { takeBackEvents } from './events.ts'

const unschedulable = { type: 'kosmos.io/LeafScheduled', status: 'False', reason: 'Unschedulable', message: '0/2' }
const stuck = (parts: PodParts = {}) =>
  podLike({
    annotations: { 'kosmos.io/seat': '1' },
    owner: { kind: 'ReplicaSet', name: 'web-1' },
    status: { phase: 'Pending', conditions: [unschedulable] },
    ...parts,
    spec: { nodeName: 'kosmos-leaf1', ...parts.spec },
  })

describe('a pod that its leaf finds no node for', () => {
  it('is stuck while it is bound and Pending, and its leaf says so', () => {
    assert.equal(stuckInLeaf(stuck()), '0/2')
    assert.equal(stuckInLeaf(slimPod(stuck())), '0/2')
    for (const parts of [
      { isDeleting: true },
      { spec: { nodeName: '' } },
      { status: { phase: 'Pending' } },
      { status: { phase: 'Running', conditions: [unschedulable] } },
      { status: { phase: 'Pending', conditions: [{ ...unschedulable, reason: 'SchedulingGated' }] } },
      { status: { phase: 'Pending', conditions: [{ ...unschedulable, status: 'True' }] } },
    ]) {
      assert.equal(stuckInLeaf(stuck(parts)), undefined, JSON.stringify(parts))
    }
  })

  it('is evicted if it has its place by a policy, and somebody who makes another', () => {
    assert.equal(takeBack(slimPod(stuck())), 'evict')
    assert.equal(takeBack(stuck({ annotations: {} })), undefined)
    const { metadata, ...rest } = stuck()
    const { ownerReferences: _, ...bare } = metadata
    assert.equal(takeBack({ ...rest, metadata: bare }), 'hasNoOwner')
  })

  it('stays if it has a claim', () => {
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-0' } }]
    assert.equal(takeBack(slimPod(stuck({ spec: { volumes } }))), 'hasVolumes')
    assert.equal(takeBack(slimPod(stuck({ spec: { volumes: [{ name: 'tmp', emptyDir: {} }] } }))), 'evict')
  })

  it('tells why, with words that docs/reference/events.md explains', () => {
    const page = readFileSync(new URL('../../../../docs/reference/events.md', import.meta.url), 'utf8')
    for (const { reason, note } of [
      takeBackEvents.takenBack(stuck(), 30, '0/2 nodes'),
      takeBackEvents.notTakenBack(stuck(), 30, '0/2 nodes', 'hasNoOwner'),
    ]) {
      assert(page.includes(`\`${reason}\``), reason)
      assert.match(note, /kosmos-leaf1 .*30 s.*0\/2 nodes/)
    }
  })
})
