import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CSIDriver, CSINode, Node, StorageClass } from '@kosmos/kube'
import { attachLimits, keepsOffMore, saysSo, unreachableDrivers } from './plan.ts'

const driver = (name: string) => ({ metadata: { name }, spec: {} }) as CSIDriver
const storageClass = (name: string, provisioner: string) => ({ metadata: { name }, provisioner }) as StorageClass
const node = {
  metadata: { name: 'kosmos-paris', uid: 'n1', labels: { 'kosmos.io/cluster': 'paris' } },
} as unknown as Node

describe('the drivers of the root whose volumes a leaf does not reach', () => {
  const drivers = [driver('disk.example.com'), driver('leaf.kosmos.io')]
  const classes = [
    storageClass('fast', 'leaf.kosmos.io'),
    storageClass('disks', 'disk.example.com'),
    storageClass('nfs', 'nfs.example.com'),
    storageClass('folders', 'example.com/folders'),
  ]

  it('are those that it knows and those that its classes name, but for ours and for names that are none of a driver', () => {
    assert.deepEqual(unreachableDrivers({ drivers, classes, shared: [] }), ['disk.example.com', 'nfs.example.com'])
  })

  it('are in one order, and have names that a CSINode takes', () => {
    const [longest, tooLong] = ['a'.repeat(63), 'a'.repeat(64)]
    const drivers = ['z', tooLong, longest].map(driver)
    assert.deepEqual(unreachableDrivers({ drivers, classes: [], shared: [] }), [longest, 'z'])
  })

  it('are not those of the classes that it shares', () => {
    assert.deepEqual(unreachableDrivers({ drivers, classes, shared: ['nfs', 'gone'] }), ['disk.example.com'])
  })
})

describe('the CSINode of a virtual node', () => {
  const csiNode = (drivers: readonly string[]) => attachLimits(node, drivers) as unknown as CSINode

  it('takes no volume of these drivers, belongs to its leaf, and goes with the node', () => {
    const { metadata, spec } = csiNode(['disk.example.com'])
    assert.deepEqual(spec.drivers, [{ name: 'disk.example.com', nodeID: 'kosmos-paris', allocatable: { count: 0 } }])
    assert.equal(metadata.labels?.['kosmos.io/cluster'], 'paris')
    assert.deepEqual(
      metadata.ownerReferences?.map(({ kind, uid }) => `${kind} ${uid}`),
      ['Node n1'],
    )
  })

  it('is written only when it says something else, or is of a node that was there before', () => {
    assert.ok(saysSo(undefined, node, []))
    assert.ok(!saysSo(undefined, node, ['a']))
    assert.ok(saysSo(csiNode(['b', 'a']), node, ['a', 'b']))
    assert.ok(!saysSo(csiNode(['a']), node, []))
    const emptied = { ...csiNode([]), spec: { drivers: null } } as unknown as CSINode
    assert.ok(saysSo(emptied, node, []))
    assert.ok(keepsOffMore(csiNode(['a', 'b']), ['a']))
    assert.ok(!keepsOffMore(csiNode(['a']), ['a', 'b']) && !keepsOffMore(emptied, []))
    const again = { metadata: { ...node.metadata, uid: 'n2' } } as Node
    assert.ok(!saysSo(csiNode(['a']), again, ['a']))
    const { metadata, ...rest } = csiNode(['a'])
    const ownedBy = (ownerReferences: CSINode['metadata']['ownerReferences']) =>
      ({ ...rest, metadata: { ...metadata, ownerReferences } }) as CSINode
    assert.ok(!saysSo(ownedBy(undefined), node, ['a']))
    const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'other' }
    assert.ok(saysSo(ownedBy([other, ...(metadata.ownerReferences ?? [])]), node, ['a']))
  })
})
