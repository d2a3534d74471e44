import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PersistentVolume, PersistentVolumeClaim } from '@kosmos/kube'
import fc from 'fast-check'
import { planVolume, type VolumePlan, type VolumeView } from './plan.ts'

interface ClaimParts {
  readonly uid?: string
  readonly volumeName?: string
  readonly requested?: string
  readonly capacity?: string
  readonly isDeleted?: boolean
}

const claim = ({ uid = 'c-1', volumeName, requested = '1Gi', capacity, isDeleted }: ClaimParts = {}) =>
  ({
    metadata: { name: 'data', namespace: 'shop', uid, ...(isDeleted && { deletionTimestamp: 'now' }) },
    spec: { resources: { requests: { storage: requested } }, ...(volumeName && { volumeName }) },
    status: capacity ? { capacity: { storage: capacity } } : {},
  }) as unknown as PersistentVolumeClaim

const leafClaim = ({ of = 'c-1', requested = '1Gi', capacity = '1Gi', isDeleted = false } = {}) =>
  ({
    metadata: {
      name: 'data',
      namespace: 'shop',
      uid: 'l-1',
      annotations: { 'kosmos.io/root-uid': of },
      ...(isDeleted && { deletionTimestamp: 'now' }),
    },
    spec: { resources: { requests: { storage: requested } }, volumeName: 'pv-l-1' },
    status: capacity ? { capacity: { storage: capacity } } : {},
  }) as unknown as PersistentVolumeClaim

const volume = ({
  of = 'c-1',
  phase = 'Bound',
  policy = 'Delete',
  capacity = '1Gi',
  leafUid = 'l-1',
  isDeleted = false,
} = {}) =>
  ({
    metadata: {
      name: `pvc-${of}`,
      uid: `v-${of}`,
      resourceVersion: '1',
      finalizers: ['kosmos.io/leaf-volume'],
      ...(leafUid && {
        annotations: { 'kosmos.io/leaf-claim': leafUid, 'kosmos.io/leaf-persistent-volume': 'pv-l-1' },
      }),
      ...(isDeleted && { deletionTimestamp: 'now' }),
    },
    spec: {
      capacity: { storage: capacity },
      persistentVolumeReclaimPolicy: policy,
      claimRef: { namespace: 'shop', name: 'data', uid: of },
    },
    status: { phase },
  }) as unknown as PersistentVolume

const bound = claim({ volumeName: 'pvc-c-1', capacity: '1Gi' })
const plan = (view: Partial<VolumeView>) =>
  planVolume({ claim: undefined, volumes: [], leafClaim: undefined, isAskedFor: false, ...view })

describe('what to do about a claim whose volume a leaf makes', () => {
  it('is to make the root’s volume when the first pod goes to the leaf, and not before', () => {
    assert.equal(plan({ claim: claim(), isAskedFor: true }).kind, 'provision')
    assert.equal(plan({ claim: claim() }).kind, 'none')
    assert.equal(plan({ claim: claim({ volumeName: 'somebodys' }), isAskedFor: true }).kind, 'none')
    assert.equal(plan({ claim: claim({ isDeleted: true }), isAskedFor: true }).kind, 'none')
  })

  it('is to make the leaf’s claim once the root’s is bound', () => {
    const fresh = volume({ leafUid: '' })
    assert.equal(plan({ claim: claim(), volumes: [fresh] }).kind, 'none')
    assert.equal(plan({ claim: bound, volumes: [fresh] }).kind, 'createLeafClaim')
  })

  it('is never to make it again when the leaf has lost it with what was on it', () => {
    assert.equal(plan({ claim: bound, volumes: [volume()] }).kind, 'none')
  })

  it('is to tell the root which claim has it and how large it is, once', () => {
    const storage = '2Gi'
    const large = { claim: bound, leafClaim: leafClaim({ capacity: storage }) }
    const step = plan({ ...large, volumes: [volume({ leafUid: '' })] })
    assert.deepEqual([step.kind, 'storage' in step && step.storage], ['reflectVolume', storage])
    const next = plan({ ...large, volumes: [volume({ capacity: storage })] })
    assert.deepEqual(next, { kind: 'reflectClaim', claim: bound, status: { capacity: { storage } } })
    assert.equal(plan({ claim: bound, volumes: [volume()], leafClaim: leafClaim() }).kind, 'none')
  })

  it('is to let it grow, to take that back, and never to shrink it below what it has', () => {
    const larger = claim({ volumeName: 'pvc-c-1', capacity: '1Gi', requested: '3Gi' })
    assert.deepEqual(plan({ claim: larger, volumes: [volume()], leafClaim: leafClaim() }), {
      kind: 'changeLeafClaim',
      spec: { resources: { requests: { storage: '3Gi' } } },
    })
    const inVain = leafClaim({ requested: '5Gi' })
    assert.deepEqual(plan({ claim: larger, volumes: [volume()], leafClaim: inVain }), {
      kind: 'changeLeafClaim',
      spec: { resources: { requests: { storage: '3Gi' } } },
    })
    const grown = {
      volumes: [volume({ capacity: '5Gi' })],
      leafClaim: leafClaim({ requested: '5Gi', capacity: '5Gi' }),
    }
    assert.equal(
      plan({ claim: claim({ volumeName: 'pvc-c-1', capacity: '5Gi', requested: '3Gi' }), ...grown }).kind,
      'none',
    )
    const unbound = leafClaim({ capacity: '' })
    assert.equal(plan({ claim: larger, volumes: [volume({ leafUid: '' })], leafClaim: unbound }).kind, 'none')
  })

  it('is to remove the leaf’s claim and then the root’s volume, when the root’s claim is gone', () => {
    const released = volume({ phase: 'Released' })
    assert.deepEqual(plan({ volumes: [released], leafClaim: leafClaim() }), { kind: 'deleteLeafClaim', uid: 'l-1' })
    assert.equal(plan({ volumes: [released], leafClaim: leafClaim({ isDeleted: true }) }).kind, 'none')
    assert.equal(plan({ volumes: [released] }).kind, 'deleteVolume')
    assert.equal(plan({ volumes: [volume({ phase: 'Released', isDeleted: true })] }).kind, 'releaseVolume')
  })

  it('is to keep it in the leaf when it is to be retained, also when the root’s volume is deleted', () => {
    const retained = { phase: 'Released', policy: 'Retain' }
    assert.equal(plan({ volumes: [volume(retained)], leafClaim: leafClaim() }).kind, 'none')
    const deleted = volume({ ...retained, isDeleted: true })
    assert.equal(plan({ volumes: [deleted], leafClaim: leafClaim() }).kind, 'releaseVolume')
  })

  it('never deletes the data of a claim that is there, nor what is another incarnation’s', () => {
    const uid = fc.constantFrom('c-1', 'c-2')
    const view = fc.record({
      claim: fc.option(
        fc.record({ uid, volumeName: fc.constantFrom('', 'pvc-c-1', 'pvc-c-2'), isDeleted: fc.boolean() }).map(claim),
        { nil: undefined },
      ),
      volumes: fc.uniqueArray(
        fc
          .record({
            of: uid,
            phase: fc.constantFrom('Bound', 'Released', 'Available'),
            policy: fc.constantFrom('Delete', 'Retain'),
            isDeleted: fc.boolean(),
          })
          .map(volume),
        { selector: ({ metadata }) => metadata.name },
      ),
      leafClaim: fc.option(fc.record({ of: uid, isDeleted: fc.boolean() }).map(leafClaim), { nil: undefined }),
      isAskedFor: fc.boolean(),
    })
    fc.assert(
      fc.property(view, (view) => {
        const step: VolumePlan = planVolume(view)
        if (step.kind !== 'deleteLeafClaim') return
        const of = view.leafClaim?.metadata.annotations?.['kosmos.io/root-uid']
        const own = view.volumes.find(({ spec }) => spec?.claimRef?.uid === of)
        assert.equal(own?.spec?.persistentVolumeReclaimPolicy, 'Delete')
        assert.ok(own?.status?.phase !== 'Bound')
      }),
    )
  })
})
