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
  readonly attributes?: string
  readonly isDeleted?: boolean
}

const claim = ({ uid = 'c-1', volumeName, requested = '1Gi', capacity, attributes, isDeleted }: ClaimParts = {}) =>
  ({
    metadata: { name: 'data', namespace: 'shop', uid, ...(isDeleted && { deletionTimestamp: 'now' }) },
    spec: {
      resources: { requests: { storage: requested } },
      ...(volumeName && { volumeName }),
      ...(attributes && { volumeAttributesClassName: attributes }),
    },
    status: capacity ? { capacity: { storage: capacity } } : {},
  }) as unknown as PersistentVolumeClaim

const leafClaim = ({
  of = 'c-1',
  requested = '1Gi',
  capacity = '1Gi',
  attributes = '',
  volumeName = 'pv-l-1',
  isModified = true,
  isDeleted = false,
} = {}) =>
  ({
    metadata: {
      name: 'data',
      namespace: 'shop',
      uid: 'l-1',
      resourceVersion: '7',
      annotations: { 'kosmos.io/root-uid': of },
      ...(isDeleted && { deletionTimestamp: 'now' }),
    },
    spec: {
      resources: { requests: { storage: requested } },
      ...(volumeName && { volumeName }),
      ...(attributes && { volumeAttributesClassName: attributes }),
    },
    status: {
      ...(capacity && { capacity: { storage: capacity } }),
      ...(attributes && isModified && { currentVolumeAttributesClassName: attributes }),
    },
  }) as unknown as PersistentVolumeClaim

const volume = ({
  of = 'c-1',
  phase = 'Bound',
  policy = 'Delete',
  capacity = '1Gi',
  attributes = '',
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
      ...(attributes && { volumeAttributesClassName: attributes }),
      claimRef: { namespace: 'shop', name: 'data', uid: of },
    },
    status: { phase },
  }) as unknown as PersistentVolume

const bound = claim({ volumeName: 'pvc-c-1', capacity: '1Gi' })
const plan = (view: Partial<VolumeView>) =>
  planVolume({
    claim: undefined,
    volumes: [],
    leafClaim: undefined,
    isAskedFor: false,
    isOfOtherClass: false,
    attributesClassNames: {},
    ...view,
  })

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

  it('is to make the leaf’s claim anew while it has no volume, when the Cluster says another class', () => {
    const view = { claim: bound, volumes: [volume({ leafUid: '' })], isOfOtherClass: true }
    const waiting = leafClaim({ capacity: '', volumeName: '' })
    assert.deepEqual(plan({ ...view, leafClaim: waiting }), {
      kind: 'deleteLeafClaim',
      uid: 'l-1',
      resourceVersion: '7',
    })
    assert.equal(plan({ ...view, leafClaim: waiting, isOfOtherClass: false }).kind, 'none')
    assert.equal(plan({ ...view, leafClaim: leafClaim({ capacity: '' }) }).kind, 'none', 'it is about to have one')
    assert.equal(plan({ ...view, leafClaim: leafClaim() }).kind, 'reflectVolume', 'it has one')
  })

  it('is to tell the root which claim has it and how large it is, once', () => {
    const storage = '2Gi'
    const large = { claim: bound, leafClaim: leafClaim({ capacity: storage }) }
    const step = plan({ ...large, volumes: [volume({ leafUid: '' })] })
    assert.deepEqual([step.kind, 'spec' in step && step.spec], ['reflectVolume', { capacity: { storage } }])
    const next = plan({ ...large, volumes: [volume({ capacity: storage })] })
    assert.deepEqual(next, { kind: 'reflectClaim', claim: bound, status: { capacity: { storage } } })
    assert.equal(plan({ claim: bound, volumes: [volume()], leafClaim: leafClaim() }).kind, 'none')
  })

  it('is to give it other attributes in place of those that it has', () => {
    const wishful = claim({ volumeName: 'pvc-c-1', capacity: '1Gi', attributes: 'gold' })
    const status = { ...wishful.status, currentVolumeAttributesClassName: 'silver' }
    const view = { volumes: [volume({ attributes: 'silver' })], leafClaim: leafClaim({ attributes: 'silver' }) }
    const spec = { volumeAttributesClassName: 'gold' }
    const step = plan({ ...view, claim: { ...wishful, status } as PersistentVolumeClaim })
    assert.deepEqual(step, { kind: 'changeLeafClaim', uid: 'l-1', spec })
  })

  it('is nothing while what the leaf has is of the claim before it, or is going', () => {
    const fresh = volume({ leafUid: '' })
    for (const present of [leafClaim({ of: 'c-0' }), leafClaim({ isDeleted: true })])
      assert.equal(plan({ claim: bound, volumes: [fresh], leafClaim: present }).kind, 'none')
  })

  it('is to tell the root of a volume that it knows in part only', () => {
    const known = volume()
    const annotations = { ...known.metadata.annotations, 'kosmos.io/leaf-persistent-volume': '' }
    const partly = { ...known, metadata: { ...known.metadata, annotations } } as PersistentVolume
    assert.equal(plan({ claim: bound, volumes: [partly], leafClaim: leafClaim() }).kind, 'reflectVolume')
  })

  it('is to let it grow, to take that back, and never to shrink it below what it has', () => {
    const larger = claim({ volumeName: 'pvc-c-1', capacity: '1Gi', requested: '3Gi' })
    assert.deepEqual(plan({ claim: larger, volumes: [volume()], leafClaim: leafClaim() }), {
      kind: 'changeLeafClaim',
      uid: 'l-1',
      spec: { resources: { requests: { storage: '3Gi' } } },
    })
    const inVain = leafClaim({ requested: '5Gi' })
    assert.deepEqual(plan({ claim: larger, volumes: [volume()], leafClaim: inVain }), {
      kind: 'changeLeafClaim',
      uid: 'l-1',
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

  it('is to give it other attributes by the name that the leaf has for them, and to take back what it has not got', () => {
    const wish = (attributes: string) => claim({ volumeName: 'pvc-c-1', capacity: '1Gi', attributes })
    const step = (attributes: string, inLeaf: Parameters<typeof leafClaim>[0], names = {}) => {
      const found = plan({
        claim: wish(attributes),
        volumes: [volume()],
        leafClaim: leafClaim(inLeaf),
        attributesClassNames: names,
      })
      return found.kind === 'changeLeafClaim' && found.spec
    }
    assert.deepEqual(step('gold', {}), { volumeAttributesClassName: 'gold' })
    assert.deepEqual(step('gold', {}, { gold: 'premium' }), { volumeAttributesClassName: 'premium' })
    assert.equal(step('gold', { attributes: 'premium', isModified: false }, { gold: 'premium' }), false)
    assert.equal(step('gold', {}, { gold: '' }), false)
    assert.deepEqual(step('', { attributes: 'gold', isModified: false }), { volumeAttributesClassName: null })
  })

  it('is to leave attributes that it has and the root asks for no more, since nothing would take them away', () => {
    const had = claim({ volumeName: 'pvc-c-1', capacity: '1Gi' })
    const view = { claim: had, volumes: [volume({ attributes: 'gold' })], leafClaim: leafClaim({ attributes: 'gold' }) }
    assert.equal(plan(view).kind, 'reflectClaim')
    const status = { ...had.status, currentVolumeAttributesClassName: 'gold' }
    const told = { ...had, status } as PersistentVolumeClaim
    assert.equal(plan({ ...view, claim: told }).kind, 'none')
    const wider = { ...claim({ volumeName: 'pvc-c-1', requested: '3Gi' }), status } as PersistentVolumeClaim
    const spec = { resources: { requests: { storage: '3Gi' } } }
    assert.deepEqual(plan({ ...view, claim: wider }), { kind: 'changeLeafClaim', uid: 'l-1', spec })
  })

  it('is to tell the root’s volume of no attributes that its claim does not ask for', () => {
    const view = { claim: bound, volumes: [volume()], leafClaim: leafClaim({ attributes: 'premium' }) }
    assert.equal(plan(view).kind, 'reflectClaim')
  })

  it('is to tell the root’s volume which the leaf’s is, and nothing else that is as it says', () => {
    const fresh = volume({ leafUid: '' })
    const annotations = { 'kosmos.io/leaf-claim': 'l-1', 'kosmos.io/leaf-persistent-volume': 'pv-l-1' }
    const step = plan({ claim: bound, volumes: [fresh], leafClaim: leafClaim() })
    assert.deepEqual(step, { kind: 'reflectVolume', volume: fresh, annotations, spec: {} })
  })

  it('is nothing for a volume that no claim has been bound to yet', () => {
    for (const phase of ['Pending', 'Available'])
      assert.equal(plan({ volumes: [volume({ phase, leafUid: '' })] }).kind, 'none')
  })

  it('is to end the volume that was meant, and no later one of its name', () => {
    const released = volume({ phase: 'Released' })
    assert.deepEqual(plan({ volumes: [released] }), { kind: 'deleteVolume', name: 'pvc-c-1', uid: 'v-c-1' })
    const going = volume({ phase: 'Released', isDeleted: true })
    assert.deepEqual(plan({ volumes: [going] }), { kind: 'releaseVolume', volume: going })
  })

  it('is to tell the root which attributes it has, by the name in the root, before anything is changed', () => {
    const asked = claim({ volumeName: 'pvc-c-1', capacity: '1Gi', attributes: 'gold', requested: '3Gi' })
    const view = {
      claim: asked,
      leafClaim: leafClaim({ attributes: 'premium' }),
      attributesClassNames: { gold: 'premium' },
    }
    const first = plan({ ...view, volumes: [volume({ attributes: 'silver' })] })
    assert.deepEqual('spec' in first && first.spec, { volumeAttributesClassName: 'gold' })
    const second = plan({ ...view, volumes: [volume({ attributes: 'gold' })] })
    assert.deepEqual('status' in second && second.status, { currentVolumeAttributesClassName: 'gold' })
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
      leafClaim: fc.option(
        fc
          .record({
            of: uid,
            isDeleted: fc.boolean(),
            capacity: fc.constantFrom('', '1Gi'),
            volumeName: fc.constantFrom('', 'pv-l-1'),
          })
          .map(leafClaim),
        { nil: undefined },
      ),
      isAskedFor: fc.boolean(),
      isOfOtherClass: fc.boolean(),
    })
    fc.assert(
      fc.property(view, (view) => {
        const step: VolumePlan = plan(view)
        if (step.kind !== 'deleteLeafClaim') return
        const { spec, status } = view.leafClaim ?? {}
        // One without a volume may be made anew; that it has got none is for the leaf to say.
        if (!spec?.volumeName && !status?.capacity?.storage && step.resourceVersion !== undefined) return
        const of = view.leafClaim?.metadata.annotations?.['kosmos.io/root-uid']
        const own = view.volumes.find(({ spec }) => spec?.claimRef?.uid === of)
        assert.equal(own?.spec?.persistentVolumeReclaimPolicy, 'Delete')
        assert.ok(own?.status?.phase !== 'Bound')
      }),
    )
  })
})
