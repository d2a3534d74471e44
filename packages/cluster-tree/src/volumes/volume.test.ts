import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@kosmos/kube'
import { claimsOf, leafClaim } from './claim.ts'
import { claimKeyOf, importedVolume, isOfLeaves, provisionedVolume } from './volume.ts'

const claim = {
  metadata: {
    name: 'data',
    namespace: 'shop',
    uid: 'c-1',
    resourceVersion: '3',
    labels: { app: 'db' },
    annotations: {
      'volume.kubernetes.io/selected-node': 'kosmos-east',
      'pv.kubernetes.io/bind-completed': 'yes',
      'example.org/note': 'kept',
    },
  },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: 'fast',
    volumeMode: 'Filesystem',
    volumeName: 'pvc-c-1',
  },
} as unknown as PersistentVolumeClaim
const fast = { provisioner: 'leaf.kosmos.io', reclaimPolicy: 'Retain' } as StorageClass
const node = (mode: string) =>
  ({
    metadata: { name: 'kosmos-east', labels: { 'kosmos.io/cluster': 'east' }, annotations: { leafNodeMode: mode } },
  }) as unknown as Node
const terms = (mode: string) => {
  const { spec } = provisionedVolume(claim, fast, node(mode)) as { spec?: { nodeAffinity?: object } }
  return JSON.stringify(spec?.nodeAffinity)
}

describe('the root’s volume for one in a leaf', () => {
  it('is bound to this incarnation of the claim, with what it asks for', () => {
    const volume = provisionedVolume(claim, fast, node('one2cluster')) as Parameters<typeof claimKeyOf>[0]
    const { claimRef, capacity, accessModes, storageClassName, csi, persistentVolumeReclaimPolicy } = volume.spec ?? {}
    assert.deepEqual([claimRef?.uid, claimKeyOf(volume)], ['c-1', 'shop/data'])
    assert.deepEqual([claimRef?.apiVersion, claimRef?.kind], ['v1', 'PersistentVolumeClaim'])
    assert.deepEqual([capacity, accessModes, storageClassName], [{ storage: '1Gi' }, ['ReadWriteOnce'], 'fast'])
    assert.deepEqual(csi, { driver: 'leaf.kosmos.io', volumeHandle: 'c-1' })
    assert.equal(persistentVolumeReclaimPolicy, 'Retain')
    assert.deepEqual(volume.metadata, {
      name: 'pvc-c-1',
      labels: { 'kosmos.io/cluster': 'east' },
      annotations: { 'pv.kubernetes.io/provisioned-by': 'leaf.kosmos.io' },
      finalizers: ['kosmos.io/leaf-volume'],
    })
  })

  it('is a block device, and has attributes, where the claim asks for that', () => {
    const wishes = { volumeMode: 'Block', volumeAttributesClassName: 'gold' }
    const { spec } = provisionedVolume(
      { ...claim, spec: { ...claim.spec, ...wishes } } as PersistentVolumeClaim,
      fast,
      node('one2cluster'),
    ) as PersistentVolume
    assert.deepEqual([spec?.volumeMode, spec?.volumeAttributesClassName], ['Block', 'gold'])
  })

  it('asks for nothing that the claim does not ask for, and goes with the claim where its class does not say', () => {
    const bare = { ...claim, spec: { resources: claim.spec?.resources } } as PersistentVolumeClaim
    const made = provisionedVolume(bare, { provisioner: 'leaf.kosmos.io' } as StorageClass, node('one2cluster'))
    const { claimRef, nodeAffinity, csi, ...spec } = (made as PersistentVolume).spec ?? {}
    const asked = { capacity: { storage: '1Gi' }, accessModes: [], persistentVolumeReclaimPolicy: 'Delete' }
    assert.deepEqual(spec, asked)
  })

  it('is as large as the one that is brought in, and known by it', () => {
    const metadata = { ...claim.metadata, uid: 'l-1' }
    const leafClaim = { ...claim, metadata, status: { capacity: { storage: '3Gi' } } } as PersistentVolumeClaim
    const imported = importedVolume(claim, leafClaim, { cluster: 'east', reclaimPolicy: 'Retain' }) as PersistentVolume
    assert.deepEqual(imported.spec?.capacity, { storage: '3Gi' })
    assert.deepEqual([imported.metadata.name, imported.metadata.labels], ['leaf-l-1', { 'kosmos.io/cluster': 'east' }])
    assert.deepEqual(imported.metadata.annotations, { 'kosmos.io/leaf-claim': 'l-1' })
    assert.deepEqual(
      [imported.spec?.csi?.volumeHandle, imported.spec?.persistentVolumeReclaimPolicy],
      ['c-1', 'Retain'],
    )
  })

  it('keeps its pods in the leaf, or on the virtual node that is a part of it', () => {
    assert.match(terms('one2cluster'), /"kosmos.io\/cluster","operator":"In","values":\["east"\]/)
    assert.match(terms('one2one'), /"kubernetes.io\/hostname","operator":"In","values":\["kosmos-east"\]/)
  })

  it('is made for classes of leaves alone', () => {
    assert.ok(isOfLeaves(fast))
    assert.ok(!isOfLeaves({ provisioner: 'ebs.csi.aws.com' } as StorageClass))
    assert.ok(!isOfLeaves(undefined))
  })
})

describe('the claim in a leaf', () => {
  it('has the wishes of the root’s, and nothing of its binding', () => {
    const { metadata, spec } = leafClaim({ root: claim, rootClusterId: 'root-1' }) as PersistentVolumeClaim
    assert.deepEqual(spec, {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '1Gi' } },
      volumeMode: 'Filesystem',
      storageClassName: 'fast',
    })
    assert.deepEqual(metadata.labels, { app: 'db', 'kosmos.io/root-cluster': 'root-1' })
    assert.deepEqual(Object.keys(metadata.annotations ?? {}).sort(), [
      'example.org/note',
      'kosmos.io/global',
      'kosmos.io/root-resource-version',
      'kosmos.io/root-uid',
    ])
  })
})

describe('the class of a claim in a leaf', () => {
  const classIn = (classNames: Record<string, string> = {}) =>
    (leafClaim({ root: claim, rootClusterId: 'root-1', classNames }) as PersistentVolumeClaim).spec?.storageClassName

  it('has the name that the leaf has for it, by default that of the root', () => {
    assert.equal(classIn(), 'fast')
    assert.equal(classIn({ slow: 'hdd' }), 'fast')
    assert.equal(classIn({ fast: 'gp3' }), 'gp3')
  })

  it('is the default of the leaf where that is asked for', () => {
    assert.equal(classIn({ fast: '' }), undefined)
  })
})

describe('the claims of a pod', () => {
  it('are those that it mounts and those made for its ephemeral volumes', () => {
    const volumes = [
      { name: 'a', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'scratch', ephemeral: {} },
      { name: 'tmp', emptyDir: {} },
    ]
    assert.deepEqual(claimsOf({ metadata: { name: 'web' }, spec: { volumes } }), ['data', 'web-scratch'])
  })
})
