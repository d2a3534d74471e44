import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import { comesByItself } from '../clusters/census.ts'
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

describe('a namespace that is looked through', () => {
  it('counts as empty with what Kubernetes puts into every one', () => {
    assert.ok(comesByItself({ plural: 'serviceaccounts' }, { metadata: { name: 'default' } }))
    assert.ok(comesByItself({ plural: 'configmaps' }, { metadata: { name: 'kube-root-ca.crt' } }))
    assert.ok(comesByItself({ plural: 'events' }, { metadata: { name: 'x.17' } }))
    assert.ok(!comesByItself({ plural: 'serviceaccounts' }, { metadata: { name: 'app' } }))
    assert.ok(!comesByItself({ plural: 'configmaps' }, { metadata: { name: 'app' } }))
    assert.ok(!comesByItself({ plural: 'secrets' }, { metadata: { name: 'default' } }))
  })
})
