import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PersistentVolume, PersistentVolumeClaim } from '@kosmos/kube'
import { saidElsewhere, whereaboutsOf } from './whereabouts.ts'

const claim = (spec: object) => ({ metadata: {}, spec }) as PersistentVolumeClaim

describe('where the volume of a claim is', () => {
  it('is a leaf, the root, or nowhere yet', () => {
    const volume = (name: string, cluster: string) =>
      ({ metadata: { name, labels: { 'kosmos.io/cluster': cluster } } }) as unknown as PersistentVolume
    // One is of the claim before it, which had the same name.
    const volumes = [volume('v-0', 'rome'), volume('v-1', 'paris')]
    assert.deepEqual(whereaboutsOf(claim({ volumeName: 'v-1' }), volumes), { kind: 'leaf', cluster: 'paris' })
    assert.deepEqual(whereaboutsOf(claim({ volumeName: 'nfs-1' }), volumes), { kind: 'root' })
    assert.deepEqual(whereaboutsOf(claim({}), volumes), { kind: 'nowhere', exists: true })
    assert.deepEqual(whereaboutsOf(undefined, volumes), { kind: 'nowhere', exists: false })
  })

  it('is said with the name of the volume and a way out that there is', () => {
    const nfs = { volumeName: 'nfs-1', storageClassName: 'nfs' }
    const ofRoot = saidElsewhere(claim(nfs), { kind: 'root' }, 'paris')
    assert.match(ofRoot, /volume nfs-1 of StorageClass nfs is the root's.* sharedStorageClasses of Cluster paris/)
    const ofNoClass = saidElsewhere(claim({ volumeName: 'nfs-1', storageClassName: '' }), { kind: 'root' }, 'paris')
    assert.match(ofNoClass, /volume nfs-1 is the root's.*folder of a node, by a node affinity of the volume/)
    assert.doesNotMatch(ofNoClass, /sharedStorageClasses/)
    const ofLeaf = saidElsewhere(claim(nfs), { kind: 'leaf', cluster: 'rome' }, 'paris')
    assert.match(ofLeaf, /is in cluster rome.*nodeSelector kosmos\.io\/cluster: rome/)
  })
})
