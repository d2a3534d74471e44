import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '@kosmos/kube'
import type { SeenClaim } from '../volumes/claims.ts'
import { type Hold, holdOf, mayPass } from './hold.ts'
import { whyItStays } from './reasons.ts'

const claim = (spec: object, annotations = {}) =>
  ({ metadata: { name: 'data', annotations }, spec }) as unknown as PersistentVolumeClaim
const volume = (spec: object) => ({ metadata: { name: 'pv-1' }, spec }) as unknown as PersistentVolume
const storageClass = (parts: object) => ({ metadata: { name: 'fast' }, ...parts }) as unknown as StorageClass
const hold = (parts: Partial<SeenClaim>) =>
  holdOf({ name: 'data', claim: undefined, volume: undefined, storageClass: undefined, ...parts })
const heldBy = (by: Hold['by'], what = ''): Hold => ({ claim: 'data', by, what })

const bound = (mode: string) => claim({ volumeName: 'pv-1', accessModes: [mode] })
const here = volume({ nodeAffinity: { required: { nodeSelectorTerms: [] } } })
const anywhere = volume({ nfs: { server: 'files', path: '/' } })
const waiting = claim({ storageClassName: 'fast' })
const whenUsed = { volumeBindingMode: 'WaitForFirstConsumer' }

describe('a claim of a pod that is stuck', () => {
  it('holds it where its volume is, and not where every node reaches that, many at a time', () => {
    assert.deepEqual(hold({ claim: bound('ReadWriteOnce'), volume: here }), heldBy('volume', 'pv-1'))
    assert.deepEqual(hold({ claim: bound('ReadWriteMany'), volume: here }), heldBy('volume', 'pv-1'))
    assert.deepEqual(hold({ claim: bound('ReadWriteOnce'), volume: anywhere }), heldBy('oneNode', 'pv-1'))
    assert.equal(hold({ claim: bound('ReadWriteMany'), volume: anywhere }), undefined)
    assert.equal(hold({ claim: bound('ReadOnlyMany'), volume: anywhere }), undefined)
  })

  it('does not hold it while it waits for its first pod, but once a volume is being made for one', () => {
    assert.equal(hold({ claim: waiting, storageClass: storageClass(whenUsed) }), undefined)
    const begun = claim({ storageClassName: 'fast' }, { 'volume.kubernetes.io/selected-node': 'kosmos-leaf1' })
    assert.deepEqual(hold({ claim: begun, storageClass: storageClass(whenUsed) }), heldBy('begun', 'kosmos-leaf1'))
    const zones = { ...whenUsed, allowedTopologies: [{ matchLabelExpressions: [] }] }
    assert.deepEqual(hold({ claim: waiting, storageClass: storageClass(zones) }), heldBy('class', 'fast'))
  })

  it('holds it where another pod would wait for it as well', () => {
    assert.deepEqual(hold({}), heldBy('missing'))
    assert.deepEqual(hold({ claim: bound('ReadWriteMany') }), heldBy('unbound'))
    assert.deepEqual(hold({ claim: waiting }), heldBy('unbound'))
    const immediate = storageClass({ volumeBindingMode: 'Immediate' })
    assert.deepEqual(hold({ claim: waiting, storageClass: immediate }), heldBy('unbound'))
    assert.deepEqual(hold({ claim: claim({}) }), heldBy('unbound'))
  })

  it('is looked at again where that may pass, and is named in the reason', () => {
    const all: readonly Hold['by'][] = ['volume', 'oneNode', 'begun', 'class', 'unbound', 'missing']
    assert.deepEqual(
      all.filter((by) => mayPass(heldBy(by))),
      ['begun', 'unbound', 'missing'],
    )
    for (const by of all) {
      const what = ['unbound', 'missing'].includes(by) ? '' : 'it'
      assert.match(whyItStays({ why: 'hasClaim', hold: heldBy(by, what) }), new RegExp(`claim data.*${what}`))
    }
  })
})
