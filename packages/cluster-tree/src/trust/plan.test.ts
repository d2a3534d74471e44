import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KubeObject } from '@kosmos/kube'
import { podOwnerOf } from '../copies/pod-owned.ts'
import { leafPod, rootPod } from '../pods/fixture.ts'
import { planTrust, trustConfigMap } from './plan.ts'

const root = rootPod()
const leaf = leafPod(root)
const data = { 'bundle-1': 'PEM' }
const stored = (of = data, copy = leaf): KubeObject => {
  const { metadata, ...rest } = trustConfigMap(root, copy, 'root-1', of)
  return { ...rest, metadata: { ...metadata, uid: 'c', resourceVersion: '5' } }
}
const replace = { kind: 'replace', uid: 'c', resourceVersion: '5' }
const none = { kind: 'none' }

describe('what to do about the bundles of a pod', () => {
  it('is to deliver them when they are not there, unless the pod is ending', () => {
    assert.deepEqual(planTrust({ root, leaf, data, configMap: undefined }), { kind: 'create' })
    const ending = leafPod(root, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })
    assert.deepEqual(planTrust({ root, leaf: ending, data, configMap: undefined }), none)
  })

  it('is to write them again when they have changed, and only then', () => {
    assert.deepEqual(planTrust({ root, leaf, data, configMap: stored() }), none)
    assert.deepEqual(planTrust({ root, leaf, data: { 'bundle-1': 'OTHER' }, configMap: stored() }), replace)
    const [two, turned] = [
      { a: '1', b: '2' },
      { b: '2', a: '1' },
    ]
    const configMap = stored(two as unknown as typeof data)
    assert.deepEqual(planTrust({ root, leaf, data: turned, configMap }), none, 'in whatever order')
  })

  it('is to leave the pod what it has when the root has it no more', () => {
    assert.deepEqual(planTrust({ root, leaf, data: undefined, configMap: stored() }), none)
  })

  it('is to give them to the pod that is there now, when it was made again', () => {
    const again = leafPod(root, { metadata: { uid: 'leaf-uid-again' } })
    assert.deepEqual(planTrust({ root, leaf: again, data, configMap: stored() }), replace)
    const { ownerReferences, ...unowned } = stored().metadata ?? {}
    assert.deepEqual(planTrust({ root, leaf, data, configMap: { metadata: unowned } }), replace)
    const shared = [...(ownerReferences ?? []), { apiVersion: 'v1', kind: 'Secret', name: 'other', uid: 'other' }]
    const owned = { metadata: { ...unowned, ownerReferences: shared } }
    assert.deepEqual(planTrust({ root, leaf, data, configMap: owned }), none, 'it has another owner besides')
  })

  it('is to write them again when somebody has written over them', () => {
    const contested = { root, leaf, data, configMap: stored(), contested: true }
    assert.equal(planTrust(contested).kind, 'replace')
  })

  it('is nothing for a pod that has ended, or is another incarnation', () => {
    const ended = leafPod(root, { status: { phase: 'Succeeded' } })
    assert.deepEqual(planTrust({ root, leaf: ended, data, configMap: stored({ 'bundle-1': 'OLD' }) }), none)
    const other = rootPod({ metadata: { uid: 'another' } })
    assert.deepEqual(planTrust({ root: other, leaf, data, configMap: undefined }), none)
    assert.deepEqual(planTrust({ root: undefined, leaf, data, configMap: stored() }), none)
  })
})

describe('the ConfigMap with them', () => {
  it('goes with the pod in the leaf, and is no copy of one of the root', () => {
    const { metadata } = stored()
    assert.equal(metadata?.name, 'kosmos-trust-root-uid')
    assert.equal(metadata?.annotations?.['kosmos.io/global'], 'true')
    assert.equal(podOwnerOf(stored())?.key, 'shop/web')
    assert.equal(podOwnerOf({ metadata: { namespace: 'shop', name: 'copied' } }), undefined)
  })
})
