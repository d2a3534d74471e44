import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ctx, rootPod } from '../../fixture.ts'
import { translate } from '../translate.ts'

describe('an ephemeral volume', () => {
  it('is, in the leaf, the claim that the root has made for the pod', () => {
    const volumes = [
      { name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'] } } } },
      { name: 'tmp', emptyDir: {} },
    ]
    const { pod } = translate(rootPod({ metadata: { name: 'web' }, spec: { volumes } }), ctx)
    assert.deepEqual(pod.spec.volumes, [
      { name: 'scratch', persistentVolumeClaim: { claimName: 'web-scratch' } },
      { name: 'tmp', emptyDir: {} },
    ])
  })
})
