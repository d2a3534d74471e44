import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { kubernetesOf } from './kubernetes.ts'

describe('the versions of control planes', () => {
  it('are those that the environment says, for the root and for the leaves', () => {
    assert.deepEqual(kubernetesOf({}), { root: undefined, leaves: undefined })
    assert.deepEqual(kubernetesOf({ KOSMOS_ROOT_KUBERNETES: '1.30' }), { root: '1.30', leaves: undefined })
    assert.deepEqual(kubernetesOf({ KOSMOS_LEAF_KUBERNETES: '1.30', KOSMOS_ROOT_KUBERNETES: '' }), {
      root: undefined,
      leaves: '1.30',
    })
    assert.throws(
      () => kubernetesOf({ KOSMOS_LEAF_KUBERNETES: '1.12' }),
      /KOSMOS_LEAF_KUBERNETES=1.12: write one of 1.30/,
    )
  })
})
