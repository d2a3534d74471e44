import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CSIDriver, CSIStorageCapacity, Node, StorageClass } from '@kosmos/kube'
import fc from 'fast-check'
import { type CapacityView, wantedCapacities } from './plan.ts'

const leafClass = (name: string, provisioner = 'csi.example', isDefaultSince?: string) =>
  ({
    metadata: {
      name,
      creationTimestamp: isDefaultSince,
      annotations: isDefaultSince ? { 'storageclass.kubernetes.io/is-default-class': 'true' } : {},
    },
    provisioner,
  }) as unknown as StorageClass
const driver = { metadata: { name: 'csi.example' }, spec: { storageCapacity: true } } as unknown as CSIDriver
const segment = (zone: string, capacity: string, { of = 'fast', largest = '' } = {}) =>
  ({
    storageClassName: of,
    nodeTopology: { matchLabels: { zone } },
    capacity,
    ...(largest && { maximumVolumeSize: largest }),
  }) as unknown as CSIStorageCapacity
const node = (zone: string) => ({ metadata: { name: `node-${zone}`, labels: { zone } } }) as unknown as Node
const whole = new Map([['kosmos-east', [node('a'), node('b')]]])
const storage = {
  classes: [leafClass('fast')],
  drivers: [driver],
  capacities: [] as readonly CSIStorageCapacity[],
}
const view = (parts: Partial<CapacityView> = {}): CapacityView => ({
  cluster: { name: 'east', uid: 'u-1' },
  className: 'fast',
  classNames: {},
  storage,
  virtualNodes: whole,
  ...parts,
})
interface Published {
  readonly metadata: { readonly name: string }
  readonly storageClassName: string
  readonly nodeTopology: { readonly matchLabels: Readonly<Record<string, string>> }
  readonly capacity: string
}
const wanted = (parts?: Partial<CapacityView>) => wantedCapacities(view(parts)) as unknown as Published[]
const rooms = (parts?: Partial<CapacityView>) => wanted(parts).map(({ capacity }) => capacity)

describe('what the scheduler is told of the storage of a leaf', () => {
  it('is the largest volume that one place has room for, not the sum of all', () => {
    const capacities = [
      segment('a', '10Gi'),
      segment('b', '30Gi'),
      segment('c', '90Gi'),
      segment('a', '1Ti', { of: 'slow' }),
    ]
    assert.deepEqual(rooms({ storage: { ...storage, capacities } }), ['30Gi'])
    const limited = [segment('a', '10Gi'), segment('b', '30Gi', { largest: '5Gi' })]
    assert.deepEqual(rooms({ storage: { ...storage, capacities: limited } }), ['10Gi'])
  })

  it('is about each virtual node by itself, with its own leaf nodes', () => {
    const virtualNodes = new Map([
      ['east-a', [node('a')]],
      ['east-b', [node('b')]],
    ])
    const capacities = [segment('a', '10Gi'), segment('b', '30Gi')]
    const told = wanted({ virtualNodes, storage: { ...storage, capacities } })
    assert.deepEqual(
      told.map(({ nodeTopology, capacity }) => [nodeTopology.matchLabels['kubernetes.io/hostname'], capacity]),
      [
        ['east-a', '10Gi'],
        ['east-b', '30Gi'],
      ],
    )
  })

  it('is nothing when the driver says that it has nothing there', () => {
    assert.deepEqual(rooms(), ['0'])
  })

  it('is that there is room where the driver does not say, or the leaf does not let us see', () => {
    const unknown = ['4Ei']
    assert.deepEqual(rooms({ storage: { ...storage, drivers: [] } }), unknown)
    assert.deepEqual(rooms({ storage: undefined }), unknown)
    const folders = { ...storage, classes: [leafClass('fast', 'kubernetes.io/no-provisioner')] }
    assert.deepEqual(rooms({ storage: folders }), unknown)
  })

  it('is not there for a class that the leaf does not have', () => {
    assert.deepEqual(rooms({ className: 'gold' }), [])
  })

  it('is about the class that the leaf calls otherwise, or its default', () => {
    const capacities = [segment('a', '10Gi', { of: 'gp3' }), segment('a', '20Gi', { of: 'gp4' })]
    const classes = [
      leafClass('gp3', 'csi.example', '2026-01-02T00:00:00Z'),
      leafClass('gp4', 'csi.example', '2026-01-01T00:00:00Z'),
    ]
    const leaf = { ...storage, classes, capacities }
    assert.deepEqual(rooms({ storage: leaf, classNames: { fast: 'gp4' } }), ['20Gi'])
    assert.deepEqual(rooms({ storage: leaf, classNames: { fast: '' } }), ['10Gi'])
    const others = [leafClass('fast'), ...classes.toReversed()]
    assert.deepEqual(rooms({ storage: { ...leaf, classes: others }, classNames: { fast: '' } }), ['10Gi'], 'the newest')
    assert.deepEqual(
      wanted({ storage: leaf, classNames: { fast: '' } }).map(({ storageClassName }) => storageClassName),
      ['fast'],
    )
  })

  it('has a name of its own for each Cluster, class and virtual node, the same at all times', () => {
    const word = fc.stringMatching(/^[a-z]{1,4}$/)
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(word, word, word), { selector: String, maxLength: 10 }), (triples) => {
        const names = triples.map(([cluster, className, nodeName]) => {
          const virtualNodes = new Map([[nodeName, []]])
          return wanted({ cluster: { name: cluster, uid: 'u' }, className, virtualNodes, storage: undefined })[0]
            ?.metadata.name
        })
        assert.equal(new Set(names).size, triples.length)
      }),
    )
  })
})
