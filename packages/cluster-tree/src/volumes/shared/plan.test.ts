import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PersistentVolume, PersistentVolumeClaim } from '@kosmos/kube'
import { planShared, type SharedView } from './plan.ts'
import { isReachable, isSharedClaim, sharedClaim, sharedVolume, withheldFrom } from './volume.ts'

const claim = (spec: object = { volumeName: 'nfs-1' }, metadata: object = {}, phase = 'Bound') =>
  ({
    metadata: { name: 'data', namespace: 'shop', uid: 'c-1', resourceVersion: '1', ...metadata },
    spec: {
      accessModes: ['ReadWriteMany'],
      storageClassName: 'nfs',
      resources: { requests: { storage: '5Gi' } },
      ...spec,
    },
    status: { phase: 'volumeName' in spec ? phase : 'Pending', capacity: { storage: '2Gi' } },
  }) as unknown as PersistentVolumeClaim

const made = sharedClaim(claim(), 'root-1', 'data') as PersistentVolumeClaim
const leafClaim = (phase: string, metadata: object = {}) =>
  ({ ...made, metadata: { ...made.metadata, uid: 'l-1', ...metadata }, status: { phase } }) as PersistentVolumeClaim

const volume = (source: object) =>
  ({
    metadata: { name: 'nfs-1', uid: 'v-1', labels: { mine: 'yes' } },
    spec: {
      capacity: { storage: '2Gi' },
      accessModes: ['ReadWriteMany'],
      storageClassName: 'nfs',
      persistentVolumeReclaimPolicy: 'Delete',
      claimRef: { namespace: 'shop', name: 'data', uid: 'c-1' },
      nodeAffinity: { required: { nodeSelectorTerms: [] } },
      ...source,
    },
  }) as unknown as PersistentVolume
const NFS = { nfs: { server: 'files.example.com', path: '/data' } }

const plan = (view: Partial<SharedView>) =>
  planShared({ claim: claim(), leafClaim: undefined, isNeeded: true, isShared: true, ...view }).kind

describe('what to do about a claim whose volume was made in the root', () => {
  it('is to have it in the leaf when a pod there needs it, first the claim, then the volume', () => {
    assert.equal(plan({}), 'createLeafClaim')
    assert.equal(plan({ leafClaim: leafClaim('Pending') }), 'createLeafVolume')
    assert.equal(plan({ leafClaim: leafClaim('Bound') }), 'none')
  })

  it('is nothing while the root has no volume, nobody needs it, it is going, or the leaf does not reach it', () => {
    assert.equal(plan({ claim: claim({}) }), 'none')
    assert.equal(plan({ claim: claim({ volumeName: 'of-another' }, {}, 'Pending') }), 'none')
    assert.equal(plan({ claim: undefined }), 'none')
    assert.equal(plan({ isNeeded: false }), 'none')
    assert.equal(plan({ claim: claim({ volumeName: 'nfs-1' }, { deletionTimestamp: 'now' }) }), 'none')
    assert.equal(plan({ isShared: false }), 'none')
  })

  it('is to remove it with the last pod, and once', () => {
    assert.equal(plan({ leafClaim: leafClaim('Bound'), isNeeded: false }), 'remove')
    assert.equal(plan({ leafClaim: leafClaim('Bound', { deletionTimestamp: 'now' }), isNeeded: false }), 'none')
  })

  it('is to leave it to pods that run when the Cluster shares the class no longer', () => {
    assert.equal(plan({ leafClaim: leafClaim('Bound'), isShared: false }), 'none')
  })

  it('is to remove what was of the claim before', () => {
    const before = { annotations: { 'kosmos.io/root-uid': 'c-0' } }
    assert.equal(plan({ leafClaim: leafClaim('Bound', before) }), 'remove')
    assert.equal(plan({ leafClaim: leafClaim('Bound'), claim: undefined }), 'remove')
  })
})

describe('a volume of the root as a leaf has it', () => {
  it('is asked for by a claim of the size that it has, and of no other volume', () => {
    assert.equal(made.spec?.volumeName, 'shared-c-1')
    assert.equal(made.spec?.resources?.requests?.storage, '2Gi')
    assert.ok(isSharedClaim(made))
    assert.ok(!isSharedClaim({ ...made, spec: { ...made.spec, volumeName: 'pvc-9' } }))
  })

  it('is the same storage, bound to that claim, and is never deleted with what is on it', () => {
    const { metadata, spec } = sharedVolume(volume(NFS), {
      leafClaim: leafClaim('Pending'),
      rootClusterId: 'root-1',
    }) as PersistentVolume
    assert.equal(metadata.name, 'shared-c-1')
    assert.equal(metadata.labels?.['kosmos.io/root-cluster'], 'root-1')
    assert.deepEqual(spec?.nfs, NFS.nfs)
    assert.equal(spec?.persistentVolumeReclaimPolicy, 'Retain')
    assert.deepEqual([spec?.claimRef?.namespace, spec?.claimRef?.name, spec?.claimRef?.uid], ['shop', 'data', 'l-1'])
    assert.equal(spec?.nodeAffinity, undefined)
  })

  it('is there for the claim that has it, and for none that only names it', () => {
    assert.equal(withheldFrom(claim(), volume(NFS)), undefined)
    assert.match(
      withheldFrom(claim({ volumeName: 'nfs-1' }, { uid: 'thief' }), volume(NFS)) ?? '',
      /nfs-1 is not bound/,
    )
    assert.match(withheldFrom(claim(), undefined) ?? '', /nfs-1 is gone/)
    assert.match(
      withheldFrom(claim(), volume({ hostPath: { path: '/data' } })) ?? '',
      /folder of a node.*node affinity/,
    )
  })

  it('cannot be a folder of a node of the root', () => {
    assert.ok(isReachable(volume(NFS)))
    assert.ok(!isReachable(volume({ hostPath: { path: '/data' } })))
    assert.ok(!isReachable(volume({ local: { path: '/data' } })))
  })
})
