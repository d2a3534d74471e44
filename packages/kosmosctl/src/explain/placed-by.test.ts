import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import type { StoredPolicy } from '@kosmos/scheduler'
import { placedBy } from './placed-by.ts'

const placed = (annotations: Record<string, string>, spec: object = {}) =>
  placedBy({ metadata: { namespace: 'shop', name: 'web', annotations }, spec } as unknown as Pod, [])

describe('why a pod is where it is', () => {
  it('is the seat that a policy gave it, what the pod asked for, and what is said of its nodes', () => {
    const annotations = {
      'kosmos.io/workload-policy': 'web',
      'kosmos.io/seat': '3',
      'kosmos.io/asked-place': 'leaf1',
      'kosmos.io/room-at': 'kosmos-leaf1',
      'kosmos.io/distribution-policy': 'DistributionPolicy shop/shop, term leaf',
    }
    assert.deepEqual(placed(annotations, { nodeSelector: { 'kosmos.io/cluster': 'leaf1' } }), [
      'WorkloadPolicy web gave it seat 3, at kosmos.io/cluster=leaf1',
      'it asked for leaf1 itself',
      'kosmos-leaf1 had room for it, and came first',
      'DistributionPolicy shop/shop, term leaf says on which kind of nodes it may be',
    ])
  })

  it('is that a policy let it go anywhere, or the room alone', () => {
    const room = { 'kosmos.io/room-at': 'worker' }
    assert.deepEqual(placed({ ...room, 'kosmos.io/workload-policy': 'web' }), [
      'WorkloadPolicy web let it go anywhere',
      'worker had room for it, and came first',
    ])
    assert.deepEqual(placed(room), ['worker had room for it, and came first'])
  })

  it('is nothing of ours where somebody else bound it, or nobody has yet', () => {
    assert.match(placed({}, { nodeName: 'worker' }).join(), /^nothing of Kosmos/)
    assert.deepEqual(placed({ 'kosmos.io/workload-policy': 'chosen-by-its-user' }), [])
  })

  it('is not the policy that it names where its namespace has none of that name', () => {
    const labels = { 'workload-policy/kosmos.io': 'web' }
    const pod = { metadata: { namespace: 'shop', name: 'web', labels }, spec: {} } as unknown as Pod
    const policy = (namespace: string) => ({ metadata: { namespace, name: 'web' } }) as StoredPolicy
    assert.deepEqual(placedBy(pod, [policy('shop')]), [])
    assert.deepEqual(placedBy(pod, undefined), [])
    assert.deepEqual(placedBy(pod, [policy('other')]), [
      'not by the policy that it names: its label workload-policy/kosmos.io names WorkloadPolicy web, which namespace shop does not have: the label counts for nothing',
    ])
  })
})
