import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KubeObject } from '@kosmos/kube'
import { leafPod, rootPod } from '../pods/fixture.ts'
import { planTokens } from './plan.ts'

const root = rootPod()
const carrying = {
  annotations: { ...leafPod(root).metadata.annotations, 'kosmos.io/token-secret': 'kosmos-tokens-root-uid' },
}
const leaf = leafPod(root, { metadata: carrying })
const now = Date.parse('2026-01-01T00:00:00Z')

const secret = ({ owner = 'leaf-uid', renewal = '2026-01-01T00:10:00Z' } = {}): KubeObject => ({
  metadata: {
    name: 'kosmos-tokens-root-uid',
    namespace: 'shop',
    uid: 's',
    resourceVersion: '5',
    annotations: { 'kosmos.io/token-renewal': renewal },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'web', uid: owner }],
  },
})
const replace = { kind: 'replace', uid: 's', resourceVersion: '5' }

describe('what to do about the tokens of a pod', () => {
  it('is to deliver them when they are not there, unless the pod is ending', () => {
    assert.deepEqual(planTokens({ root, leaf, secret: undefined, now }), { kind: 'create' })
    const ending = leafPod(root, { metadata: { ...carrying, deletionTimestamp: '2026-01-01T00:00:00Z' } })
    assert.deepEqual(planTokens({ root, leaf: ending, secret: undefined, now }), { kind: 'none' })
  })

  it('is to wait until they are due, and then to renew them, also while the pod is ending', () => {
    assert.deepEqual(planTokens({ root, leaf, secret: secret(), now }), { kind: 'none', afterMs: 600_000 })
    assert.deepEqual(planTokens({ root, leaf, secret: secret(), now: now + 600_000 }), replace)
    const ending = leafPod(root, { metadata: { ...carrying, deletionTimestamp: '2026-01-01T00:00:00Z' } })
    assert.deepEqual(planTokens({ root, leaf: ending, secret: secret(), now: now + 600_000 }), replace)
  })

  it('is to renew them when nobody can tell how long they last', () => {
    assert.deepEqual(planTokens({ root, leaf, secret: secret({ renewal: 'soon' }), now }), replace)
  })

  it('is to give it others when somebody has written over them', () => {
    assert.deepEqual(planTokens({ root, leaf, secret: secret(), contested: true, now }), replace)
  })

  it('is to give them to the pod that is there now, when it was made again', () => {
    assert.deepEqual(planTokens({ root, leaf, secret: secret({ owner: 'leaf-uid-before' }), now }), replace)
    const { ownerReferences, ...unowned } = secret().metadata ?? {}
    assert.deepEqual(planTokens({ root, leaf, secret: { metadata: unowned }, now }), replace)
    const shared = [...(ownerReferences ?? []), { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'other' }]
    const owned = { metadata: { ...unowned, ownerReferences: shared } }
    assert.equal(planTokens({ root, leaf, secret: owned, now }).kind, 'none', 'it has another owner besides')
  })

  it('is nothing for a pod that has none, has ended, or is another incarnation', () => {
    const none = { kind: 'none' }
    assert.deepEqual(planTokens({ root, leaf: leafPod(root), secret: undefined, now }), none)
    const ended = leafPod(root, { metadata: carrying, status: { phase: 'Succeeded' } })
    assert.deepEqual(planTokens({ root, leaf: ended, secret: undefined, now }), none)
    const other = rootPod({ metadata: { uid: 'another' } })
    assert.deepEqual(planTokens({ root: other, leaf, secret: undefined, now }), none)
    assert.deepEqual(planTokens({ root: undefined, leaf, secret: secret(), now }), none)
    assert.deepEqual(planTokens({ root, leaf: undefined, secret: secret(), now }), none)
  })
})
