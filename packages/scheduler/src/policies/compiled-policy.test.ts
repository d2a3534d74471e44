import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compiled, podLike } from '../pods.fixture.ts'
import { policyOf } from './compiled-policy.ts'
import { revisionOf } from './workload.ts'

const allocationPolicy = [{ name: 'leaf1', weight: 1 }]
const ofWeb = { kind: 'ReplicaSet', name: 'web-6d9f' }
const web = podLike({ labels: { app: 'web', 'pod-template-hash': '6d9f' }, owner: ofWeb })

describe('the policy of a pod', () => {
  const byName = compiled({ allocationPolicy, labelSelector: { matchLabels: { nobody: 'at-all' } } }, 'asked')
  const byWorkload = compiled({ allocationPolicy }, 'workload')
  const byLabels = compiled({ allocationPolicy, labelSelector: { matchLabels: { app: 'web' } } }, 'labels')
  const all = [byLabels, byWorkload, byName]

  it('is the one that the pod names, else one of its workload, else one that selects by labels', () => {
    const asking = podLike({ labels: { ...web.metadata.labels, 'workload-policy/kosmos.io': 'asked' }, owner: ofWeb })
    assert.equal(policyOf(asking, all), byName)
    assert.equal(policyOf(web, all), byWorkload)
    assert.equal(policyOf(podLike({ labels: { app: 'web' } }), all), byLabels)
    assert.equal(policyOf(podLike({ labels: { app: 'other' } }), all), undefined)
  })

  it('is the oldest of several that mean it as directly, then the first by name, in whichever order they come', () => {
    const old = { ...byLabels, name: 'z', createdAt: '2025-01-01T00:00:00Z' }
    const [a, b] = ['a', 'b'].map((name) => ({ ...byLabels, name, createdAt: '2026-01-01T00:00:00Z' }))
    assert(a && b)
    const pod = podLike({ labels: { app: 'web' } })
    for (const order of [
      [old, a, b],
      [b, a, old],
    ]) {
      assert.equal(policyOf(pod, order), old)
    }
    assert.equal(policyOf(pod, [b, a]), a)
  })

  it('is none for pods of a DaemonSet, which are for one node each', () => {
    const agent = podLike({ labels: { app: 'web' }, owner: { kind: 'DaemonSet', name: 'agent' } })
    assert.equal(policyOf(agent, all), undefined)
  })

  it("is not that of a Deployment whose name only begins as the pod's does", () => {
    const labels = { 'pod-template-hash': '6d9f' }
    assert.equal(policyOf(podLike({ labels, owner: { kind: 'ReplicaSet', name: 'web-admin-6d9f' } }), all), undefined)
    assert.equal(policyOf(podLike({ labels, owner: { kind: 'ReplicaSet', name: 'web' } }), all), undefined)
  })
})

describe('the revision of a pod', () => {
  it('differs from one ReplicaSet to the next, and from one revision of a StatefulSet to the next', () => {
    const of = (parts: Parameters<typeof podLike>[0]) => revisionOf(podLike(parts))
    assert.notEqual(of({ owner: ofWeb }), of({ owner: { kind: 'ReplicaSet', name: 'web-other' } }))
    const owner = { kind: 'StatefulSet', name: 'db' }
    const [a, b] = ['1', '2'].map((hash) => of({ owner, labels: { 'controller-revision-hash': hash } }))
    assert.notEqual(a, b)
    assert.equal(of({ owner, name: 'db-0' }), of({ owner, name: 'db-1' }))
    assert.equal(of({ name: 'x' }), of({ name: 'y' }))
  })
})
