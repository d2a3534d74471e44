import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PodStatus } from '@kosmos/kube'
import { patched, rootPod } from '../fixture.ts'
import type { StatusPatch } from '../status/status-patch.ts'
import { conditionOf } from '../status/status-patch.ts'
import { endedStatus, vanishedStatus } from './failure.ts'

const now = Date.parse('2026-01-01T01:00:00Z')
const at = '2026-01-01T01:00:00Z'
const startedAt = '2026-01-01T00:00:06Z'
const container = { image: 'nginx', imageID: '', ready: true, started: true, restartCount: 0 }
const ended = { terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt: startedAt } }
const running = { running: { startedAt } }

const status: PodStatus = {
  phase: 'Running',
  conditions: [
    { type: 'Ready', status: 'True', lastTransitionTime: startedAt },
    { type: 'ContainersReady', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: startedAt },
  ],
  initContainerStatuses: [
    { ...container, name: 'prepare', state: ended },
    { ...container, name: 'sidecar', containerID: 'containerd://2', state: running },
  ],
  containerStatuses: [
    { ...container, name: 'main', state: running },
    { ...container, name: 'late', ready: false, started: false, state: { waiting: { reason: 'ContainerCreating' } } },
  ],
  ephemeralContainerStatuses: [{ ...container, name: 'debugger', state: { running: {} } }],
}
const lost = {
  exitCode: 137,
  reason: 'ContainerStatusUnknown',
  message: 'The container could not be located when the pod was deleted. The container used to be Running',
  finishedAt: at,
}

const told = (status: PodStatus, tell: (root: ReturnType<typeof rootPod>, now: number) => StatusPatch | undefined) => {
  const root = rootPod({ status })
  return patched(root, tell(root, now) ?? assert.fail('nothing to say')).status
}

for (const [what, tell] of Object.entries({
  'that has vanished from the leaf': vanishedStatus,
  'that is deleted, whose copy is gone': endedStatus,
})) {
  describe(`a root pod ${what}`, () => {
    it('has failed, with every container that ran ended as one that is not found any more', () => {
      const after = told(status, tell)
      const gone = { ...container, ready: false, started: false }
      const { phase, initContainerStatuses, containerStatuses, ephemeralContainerStatuses } = after ?? {}
      assert.equal(phase, 'Failed')
      assert.deepEqual(initContainerStatuses, [
        { ...container, name: 'prepare', ready: false, state: ended },
        {
          ...gone,
          name: 'sidecar',
          containerID: 'containerd://2',
          state: { terminated: { ...lost, startedAt, containerID: 'containerd://2' } },
        },
      ])
      assert.deepEqual(containerStatuses, [
        { ...gone, name: 'main', state: { terminated: { ...lost, startedAt } } },
        { ...status.containerStatuses?.[1] },
      ])
      assert.deepEqual(ephemeralContainerStatuses, [{ ...gone, name: 'debugger', state: { terminated: lost } }])
    })

    it('is not Ready any more since now, and what it was not before is left as it was', () => {
      const after = told(status, tell)
      const ready = { type: 'Ready', status: 'False', reason: 'PodFailed', lastTransitionTime: at }
      assert.deepEqual(conditionOf(after, 'Ready'), ready)
      assert.deepEqual(conditionOf(after, 'ContainersReady'), status.conditions?.[1])
    })

    it('is told nothing of containers and conditions that it has not', () => {
      const { status: patch = {} } = tell(rootPod({ status: { phase: 'Running' } }), now) ?? {}
      assert.deepEqual(
        Object.keys(patch).filter((field) => field.endsWith('Statuses')),
        [],
      )
      assert.equal(tell({ ...rootPod(), status: undefined } as never, now)?.status.phase, 'Failed')
    })

    it('is told nothing when it has ended', () => {
      for (const phase of ['Failed', 'Succeeded']) {
        assert.equal(tell(rootPod({ status: { ...status, phase } }), now), undefined)
      }
    })
  })
}

describe('the disruption of a root pod that has vanished from the leaf', () => {
  const message = 'the pod was removed from the leaf cluster, not by the root'

  it('is since now, for want of another reason', () => {
    const after = told(status, vanishedStatus)
    assert.deepEqual([after?.reason, after?.message], ['DeletedInLeaf', message])
    const expected = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletedInLeaf',
      message,
      lastTransitionTime: at,
    }
    assert.deepEqual(conditionOf(after, 'DisruptionTarget'), expected)
  })

  it('is the one that was told, as it was', () => {
    const known = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'drain' }
    const after = told({ ...status, conditions: [known] }, vanishedStatus)
    assert.deepEqual([after?.reason, after?.message], ['EvictionByEvictionAPI', 'drain'])
    assert.deepEqual(conditionOf(after, 'DisruptionTarget'), known)
    const { reason: _, message: __, ...bare } = known
    const said = told({ ...status, conditions: [bare] }, vanishedStatus)
    assert.deepEqual([said?.reason, said?.message], ['DeletedInLeaf', message])
  })

  it('takes the place of one that did not come to be', () => {
    const averted = {
      type: 'DisruptionTarget',
      status: 'False',
      reason: 'Averted',
      message: 'no',
      lastProbeTime: startedAt,
    }
    const after = told({ ...status, conditions: [averted] }, vanishedStatus)
    assert.equal(after?.reason, 'DeletedInLeaf')
    const { status: holds, reason } = conditionOf(after, 'DisruptionTarget') ?? {}
    assert.deepEqual([holds, reason], ['True', 'DeletedInLeaf'])
  })
})
