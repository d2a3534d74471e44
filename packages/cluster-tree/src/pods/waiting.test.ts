import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { patched, rootPod, rootStatus } from './fixture.ts'
import { conditionOf, isTerminal } from './status-patch.ts'
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
