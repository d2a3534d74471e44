import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { restartsAnnotation } from '@kosmos/api'
import type { PodStatus } from '@kosmos/kube'
import fc from 'fast-check'
import { leafPod, patched, rootPod } from '../fixture.ts'
import { restartingStatus, restartsBefore, restartsOf } from './restarts.ts'

const now = Date.parse('2026-01-01T01:00:00Z')
const startedAt = '2026-01-01T00:00:06Z'
const container = { image: 'nginx', imageID: '', ready: true, started: true, restartCount: 0 }
const ended = { exitCode: 0, reason: 'Completed', startedAt, finishedAt: '2026-01-01T00:00:09Z' }
const waiting = {
  waiting: { reason: 'RecreatedInLeaf', message: 'the pod was disrupted in the leaf cluster and is made again there' },
}

const status: PodStatus = {
  phase: 'Running',
  conditions: [
    { type: 'Ready', status: 'True', message: 'fine', lastTransitionTime: startedAt },
    { type: 'ContainersReady', status: 'True', lastTransitionTime: startedAt },
    { type: 'Initialized', status: 'True', lastTransitionTime: startedAt },
  ],
  initContainerStatuses: [{ ...container, name: 'prepare', state: { terminated: ended } }],
  containerStatuses: [
    { ...container, name: 'main', restartCount: 2, state: { running: { startedAt } } },
    { ...container, name: 'done', state: { terminated: ended } },
    { ...container, name: 'late', state: { waiting: { reason: 'ContainerCreating' } } },
  ],
}

/** The status that a root pod has while its next copy is made. */
function restarting(status: PodStatus): PodStatus {
  const root = rootPod({ status })
  const patch = restartingStatus(root, now) ?? assert.fail('nothing to say')
  return patched(root, patch).status ?? assert.fail()
}

describe('a root pod whose copy is made again', () => {
  it('has all its containers started again, but for one that never was', () => {
    const { initContainerStatuses, containerStatuses } = restarting(status)
    const unready = { ...container, ready: false, started: false, state: waiting }
    const again = { ...unready, restartCount: 1, lastState: { terminated: ended } }
    const lost = {
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the pod was deleted. The container used to be Running',
      startedAt,
      finishedAt: '2026-01-01T01:00:00Z',
    }
    assert.deepEqual(initContainerStatuses, [{ ...again, name: 'prepare' }])
    assert.deepEqual(containerStatuses, [
      { ...again, name: 'main', restartCount: 3, lastState: { terminated: lost } },
      { ...again, name: 'done' },
      { ...unready, name: 'late' },
    ])
  })

  it('is not Ready, since now and for that reason', () => {
    const conditions = new Map(restarting(status).conditions?.map(({ type, ...said }) => [type, said]))
    const not = { status: 'False', reason: 'ContainersNotReady', lastTransitionTime: '2026-01-01T01:00:00Z' }
    assert.deepEqual(conditions.get('Ready'), not)
    assert.deepEqual(conditions.get('ContainersReady'), not)
    assert.deepEqual(conditions.get('Initialized'), { status: 'True', lastTransitionTime: startedAt })
  })

  it('keeps since when it is not ready, and has no lists that it had not', () => {
    const { containerStatuses = [] } = status
    const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: startedAt }]
    const patch = restartingStatus(rootPod({ status: { ...status, conditions } }), now)
    assert.deepEqual(Object.keys(patch?.status ?? {}).sort(), ['containerStatuses', 'initContainerStatuses'])
    const bare = restartingStatus(rootPod({ status: { phase: 'Running', containerStatuses } }), now)
    assert.deepEqual(Object.keys(bare?.status ?? {}), ['containerStatuses'])
  })

  it('says so once, and not when nothing has run or all has ended', () => {
    const [, , late] = status.containerStatuses ?? []
    for (const silent of [
      restarting(status),
      { phase: 'Pending' },
      { phase: 'Pending', containerStatuses: [late ?? assert.fail()] },
      { ...status, phase: 'Failed' },
    ])
      assert.equal(restartingStatus(rootPod({ status: silent }), now), undefined)
    assert.equal(restartingStatus({ ...rootPod(), status: undefined } as never, now), undefined)
  })

  it('says so when all that has run has ended by then, beside what never did', () => {
    const [, done, late] = status.containerStatuses ?? []
    const { containerStatuses } = restarting({
      phase: 'Running',
      containerStatuses: [late ?? assert.fail(), done ?? assert.fail()],
    })
    assert.deepEqual(
      containerStatuses?.map(({ name, restartCount }) => [name, restartCount]),
      [
        ['late', 0],
        ['done', 1],
      ],
    )
  })

  it('tells its next copy what to count from', () => {
    const [main] = status.containerStatuses ?? []
    const [prepare] = status.initContainerStatuses ?? []
    const of = (status: PodStatus | undefined) => restartsOf({ ...rootPod(), status } as ReturnType<typeof rootPod>)
    const initContainerStatuses = [{ ...(prepare ?? assert.fail()), restartCount: 1 }]
    assert.deepEqual(of({ ...status, initContainerStatuses }), { [restartsAnnotation]: '{"main":2,"prepare":1}' })
    assert.deepEqual(of({ phase: 'Running', containerStatuses: [{ ...(main ?? assert.fail()), restartCount: 0 }] }), {})
    assert.deepEqual(of(undefined), {})
  })
})

describe('what a copy counts from', () => {
  const counted = (json: string | undefined) => {
    const copy = leafPod(rootPod())
    const annotations = { ...copy.metadata.annotations, ...(json !== undefined && { [restartsAnnotation]: json }) }
    return restartsBefore({ ...copy, metadata: { ...copy.metadata, annotations } })
  }

  it('is what its predecessors have counted, and nothing when it is the first', () => {
    assert.deepEqual(counted('{"main":2,"new":0}'), { main: 2, new: 0 })
    assert.equal(counted(undefined), undefined)
  })

  it('is nothing that somebody in the leaf has made up', () => {
    for (const json of ['', 'nonsense', 'null', '7', '"main"', '{"main":-1}', '{"main":1.5}', '{"main":"2"}'])
      assert.deepEqual(counted(json), {}, json)
    fc.assert(
      fc.property(fc.json(), (json) => {
        for (const count of Object.values(counted(json) ?? {})) assert.ok(Number.isInteger(count) && count >= 0)
      }),
    )
  })
})
