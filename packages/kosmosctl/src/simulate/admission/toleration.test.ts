import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Pod } from '@kosmos/kube'
import { withToleration } from './toleration.ts'

describe('a pod that is simulated in a namespace with the label of virtual nodes', () => {
  const pod: Pod = {
    metadata: { namespace: 'shop', name: 'web', uid: 'web', resourceVersion: '1' },
    spec: { containers: [] },
  }
  const namespace = (labels: Record<string, string>) => ({ metadata: { name: 'shop', labels } })
  const toleration = { key: 'kosmos.io/node', operator: 'Exists' } as const

  it('tolerates them as one that is admitted there does', () => {
    const tolerated = withToleration(pod, namespace({ 'kosmos.io/virtual-nodes': 'tolerated' }))
    assert.deepEqual(tolerated.spec.tolerations, [toleration])
    assert.equal(withToleration(tolerated, namespace({ 'kosmos.io/virtual-nodes': 'tolerated' })), tolerated)
    for (const other of [undefined, namespace({}), namespace({ 'kosmos.io/virtual-nodes': 'no' })]) {
      assert.equal(withToleration(pod, other), pod)
    }
  })
})
