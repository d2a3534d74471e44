import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import { isDrainable } from './drain.ts'

const pod = (metadata: object, phase = 'Running') => ({ metadata, status: { phase } }) as unknown as Pod
const owner = (kind: string) => ({ ownerReferences: [{ kind, name: 'o', controller: true }] })

describe('a pod on a node that leaves', () => {
  it('has to go, unless it would come back or has ended', () => {
    assert.ok(isDrainable(pod({})))
    assert.ok(isDrainable(pod(owner('ReplicaSet'))))
    assert.ok(!isDrainable(pod(owner('DaemonSet'))))
    assert.ok(!isDrainable(pod({}, 'Succeeded')))
    assert.ok(!isDrainable(pod({}, 'Failed')))
  })

  it('is waited for while it ends', () => {
    assert.ok(isDrainable(pod({ deletionTimestamp: '2026-01-01T00:00:00Z' }, 'Failed')))
  })
})
