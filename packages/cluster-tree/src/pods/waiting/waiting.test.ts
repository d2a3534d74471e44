import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { patched, rootPod, rootStatus } from '../fixture.ts'
import { conditionOf, isTerminal } from '../status/status-patch.ts'
import { waitingStatus } from './waiting.ts'

const waiting = { reason: 'TrustBundleNotFound', message: 'not found: ClusterTrustBundle roots' }

describe('a root pod that waits for its copy', () => {
  it('says so as a kubelet says it of containers that it cannot create, and since when it is not ready', () => {
    const root = rootPod({ spec: { containers: [{ name: 'web' }, { name: 'log' }] } })
    const { status } = patched(root, waitingStatus(root, waiting) ?? assert.fail())
    assert.deepEqual([status?.reason, status?.message], [waiting.reason, waiting.message])
    assert.deepEqual(
      status?.containerStatuses?.map(({ state }) => state),
      [{ waiting }, { waiting }],
    )
    for (const type of ['Ready', 'ContainersReady']) {
      assert.deepEqual(conditionOf(status, type), {
        type,
        status: 'False',
        reason: 'ContainersNotReady',
        message: 'containers with unready status: [web log]',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      })
    }
    assert.equal(status?.startTime, undefined)
  })

  it('says it of every container, and goes on counting how often each has started again in earlier copies', () => {
    const image = 'nginx'
    const spec = { containers: [{ name: 'web', image }], initContainers: [{ name: 'first', image }, { name: 'bare' }] }
    const lastState = { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } }
    const ran = { image, imageID: 'sha256:1', ready: true, started: true, lastState, state: { running: {} } }
    const before = {
      phase: 'Running',
      containerStatuses: [{ ...ran, name: 'web', restartCount: 3 }],
      initContainerStatuses: [{ ...ran, name: 'first', restartCount: 2 }],
    }
    const told = (status: typeof before | undefined) => {
      const root = rootPod({ spec, ...(status && { status }) })
      return patched(root, waitingStatus(root, waiting) ?? assert.fail()).status
    }
    const unready = { imageID: '', ready: false, started: false, state: { waiting } }
    const none = { restartCount: 0, lastState: {} }
    const again = told(before)
    assert.deepEqual(again?.containerStatuses, [{ ...unready, name: 'web', image, restartCount: 3, lastState }])
    assert.deepEqual(again?.initContainerStatuses, [
      { ...unready, name: 'first', image, restartCount: 2, lastState },
      { ...unready, ...none, name: 'bare', image: '' },
    ])
    const first = told(undefined)
    assert.deepEqual(first?.containerStatuses, [{ ...unready, ...none, name: 'web', image }])
  })

  it('is not ready since it was made where nobody has said when it was bound', () => {
    const root = rootPod({ metadata: { creationTimestamp: '2026-01-01T00:00:03Z' }, status: { phase: 'Pending' } })
    const { status } = patched(root, waitingStatus(root, waiting) ?? assert.fail())
    assert.equal(conditionOf(status, 'Ready')?.lastTransitionTime, '2026-01-01T00:00:03Z')
  })

  it('keeps since when it is not ready', () => {
    const since = { type: 'Ready', status: 'False', lastTransitionTime: '2025-01-01T00:00:00Z' }
    const root = rootPod({ status: { phase: 'Pending', conditions: [since] } })
    const { status } = patched(root, waitingStatus(root, waiting) ?? assert.fail())
    assert.deepEqual(conditionOf(status, 'Ready'), since)
    assert.equal(conditionOf(status, 'ContainersReady')?.status, 'False')
  })

  it('says it once, whatever was said of it before, and nothing when it has ended', () => {
    fc.assert(
      fc.property(rootStatus, (status) => {
        const root = rootPod({ status })
        const patch = waitingStatus(root, waiting)
        if (isTerminal(status)) return assert.equal(patch, undefined)
        const told = patched(root, patch ?? assert.fail())
        assert.equal(waitingStatus(told, waiting), undefined)
        assert.equal(conditionOf(told.status, 'Ready')?.status, 'False')
      }),
    )
  })
})
