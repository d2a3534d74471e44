import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PersistentVolumeClaim, StorageClass } from '@kosmos/kube'
import { Failure } from '../terminal/failure.ts'
import { type ImportFacts, plannedClaim } from './plan.ts'

const ref = { namespace: 'shop', name: 'data' }
const leafClaim = ({ metadata = {}, phase = 'Bound' } = {}) =>
  ({
    metadata: { ...ref, uid: 'l-1', ...metadata },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'gp3',
      volumeName: 'pv-in-the-leaf',
    },
    status: { phase, capacity: { storage: '2Gi' } },
  }) as unknown as PersistentVolumeClaim
const rootClaim = (uid: string, volumeName: string) =>
  ({ metadata: { ...ref, uid }, spec: { volumeName } }) as unknown as PersistentVolumeClaim
const storageClass = (name: string, provisioner = 'leaf.kosmos.io') =>
  ({ metadata: { name }, provisioner }) as unknown as StorageClass
const plan = (facts: Partial<ImportFacts> = {}) =>
  plannedClaim(ref, {
    cluster: 'paris',
    rootId: 'root-1',
    leafClaim: leafClaim(),
    rootClaim: undefined,
    classes: [storageClass('other', 'csi.example'), storageClass('gp3'), storageClass('slow')],
    classNames: {},
    storageClass: undefined,
    ...facts,
  }).claim as PersistentVolumeClaim
const refusal = (facts: Partial<ImportFacts>) => {
  try {
    plan(facts)
  } catch (error) {
    if (error instanceof Failure) {
      assert.ok(error.next, `it says what to do: ${error.message}`)
      return error.message
    }
  }
  return assert.fail('it was not refused')
}
const ours = (uid: string) => ({
  labels: { 'kosmos.io/root-cluster': 'root-1' },
  annotations: { 'kosmos.io/root-uid': uid },
})

describe('the claim in the root for a volume that a leaf has already', () => {
  it('has the wishes of the leaf’s, and is bound to a volume that stands for it', () => {
    assert.deepEqual(plan().spec, {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      storageClassName: 'gp3',
      volumeName: 'leaf-l-1',
    })
  })

  it('is of the class that stands for the leaf’s, or that the person names', () => {
    const classOf = (facts: Partial<ImportFacts>) => plan(facts).spec?.storageClassName
    assert.equal(classOf({ classNames: { slow: 'gp3', gp3: 'gp4' } }), 'slow')
    assert.equal(classOf({ storageClass: 'slow' }), 'slow')
    assert.match(refusal({ storageClass: 'other' }), /no StorageClass other with provisioner/)
    assert.match(refusal({ classes: [] }), /stands for the leaf's gp3/)
  })

  it('may be one that the root has given up and the leaf has kept', () => {
    assert.ok(plan({ leafClaim: leafClaim({ metadata: ours('gone') }) }))
  })

  it('is the same when the command stopped half-way', () => {
    assert.deepEqual(plan({ rootClaim: rootClaim('r-1', 'leaf-l-1') }), plan())
  })

  it('is refused where there is nothing to bring in, or it is somebody’s', () => {
    assert.match(refusal({ leafClaim: undefined }), /leaf of Cluster "paris" has no/)
    assert.match(refusal({ leafClaim: leafClaim({ phase: 'Pending' }) }), /is Pending in the leaf/)
    assert.match(refusal({ leafClaim: leafClaim({ metadata: { deletionTimestamp: 'now' } }) }), /being deleted/)
    const others = { labels: { 'kosmos.io/root-cluster': 'root-2' } }
    assert.match(refusal({ leafClaim: leafClaim({ metadata: others }) }), /belongs to another root/)
    assert.match(refusal({ rootClaim: rootClaim('r-1', 'pvc-r-1') }), /has another/)
    const shown = leafClaim({ metadata: ours('r-1') })
    assert.match(refusal({ leafClaim: shown, rootClaim: rootClaim('r-1', 'pvc-r-1') }), /the root's already/)
  })
})
