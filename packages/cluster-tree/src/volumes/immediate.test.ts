import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CSIStorageCapacity, Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@kosmos/kube'
import fc from 'fast-check'
import { isImmediate, nodeForImmediate } from './immediate.ts'

interface NodeParts {
  readonly name: string
  readonly zone?: string
  readonly ready?: boolean
  readonly cordoned?: boolean
  readonly retiring?: boolean
  readonly labels?: Readonly<Record<string, string>>
}

const node = ({ name, zone = 'a', ready = true, cordoned = false, retiring = false, labels = {} }: NodeParts) =>
  ({
    metadata: { name, labels: { zone, 'kubernetes.io/hostname': name, ...labels } },
    spec: {
      unschedulable: cordoned,
      taints: [{ key: 'other' }, ...(retiring ? [{ key: 'kosmos.io/retiring', effect: 'NoSchedule' }] : [])],
    },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] },
  }) as unknown as Node
const inZones = (...values: string[]) =>
  ({ allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values }] }] }) as unknown as StorageClass
const any = {} as StorageClass
const claim = (uid: string) =>
  ({ metadata: { uid }, spec: { resources: { requests: { storage: '5Gi' } } } }) as unknown as PersistentVolumeClaim
const room = (name: string, capacity: string) =>
  ({ nodeTopology: { matchLabels: { 'kubernetes.io/hostname': name } }, capacity }) as unknown as CSIStorageCapacity
const chosen = (
  virtualNodes: readonly Node[],
  storageClass = any,
  uid = 'claim-1',
  capacities: readonly CSIStorageCapacity[] = [],
) => nodeForImmediate(claim(uid), storageClass, { virtualNodes, capacities })?.metadata.name

describe('where a volume is made that no pod waits for', () => {
  it('is on a virtual node that could take pods', () => {
    const bad = [
      node({ name: 'down', ready: false }),
      node({ name: 'cordoned', cordoned: true }),
      node({ name: 'leaving', retiring: true }),
    ]
    assert.equal(chosen(bad), undefined)
    assert.equal(chosen([...bad, node({ name: 'good' })]), 'good')
  })

  it('is where the class allows it', () => {
    const nodes = [node({ name: 'east', zone: 'e' }), node({ name: 'west', zone: 'w' })]
    assert.equal(chosen(nodes, inZones('w', 'x')), 'west')
    assert.equal(chosen(nodes, inZones('x')), undefined)
    for (const allowedTopologies of [[], [{}]])
      assert.ok(chosen(nodes, { allowedTopologies } as unknown as StorageClass), 'none allows all')
    const [west] = inZones('w').allowedTopologies ?? []
    const [nowhere] = inZones('x').allowedTopologies ?? []
    assert(west && nowhere)
    const either = { allowedTopologies: [nowhere, west] } as unknown as StorageClass
    assert.equal(chosen(nodes, either), 'west', 'one of its terms is enough')
    const matchLabelExpressions = [...(west.matchLabelExpressions ?? []), { key: 'disk', values: ['ssd'] }]
    const both = { allowedTopologies: [{ matchLabelExpressions }] } as unknown as StorageClass
    assert.equal(chosen(nodes, both), undefined, 'all that a term says has to hold')
    assert.equal(chosen([...nodes, node({ name: 'far-west', zone: 'w', labels: { disk: 'ssd' } })], both), 'far-west')
  })

  it('is beside what it is to be a clone of, wherever the others are', () => {
    const virtualNodes = Array.from({ length: 8 }, (_, index) => node({ name: `n${index}`, zone: `${index % 3}` }))
    const source = (key: string, value: string) => {
      const terms = [{ matchExpressions: [{ key, operator: 'In', values: [value] }] }]
      return { spec: { nodeAffinity: { required: { nodeSelectorTerms: terms } } } } as unknown as PersistentVolume
    }
    const beside = (volume: PersistentVolume, uid: string) =>
      nodeForImmediate(claim(uid), any, { virtualNodes, source: volume, capacities: [] })
    fc.assert(
      fc.property(fc.uuid(), (uid) => {
        assert.equal(beside(source('zone', '1'), uid)?.metadata.labels?.zone, '1')
        assert.equal(beside(source('kubernetes.io/hostname', 'n5'), uid)?.metadata.name, 'n5')
        assert.equal(beside(source('zone', 'gone'), uid), undefined)
      }),
    )
  })

  it('is where there is room, as far as that is known', () => {
    const nodes = ['small', 'large', 'silent'].map((name) => node({ name }))
    const capacities = [room('small', '4Gi'), room('large', '5Gi')]
    assert.equal(chosen(nodes, any, 'claim-1', capacities), 'large')
    assert.equal(chosen(nodes, any, 'claim-1', [room('small', '4Gi')]), undefined)
    const { capacity: _, ...unknown } = room('small', '')
    assert.equal(chosen(nodes, any, 'claim-1', [unknown]), undefined, 'of which nothing is said is no room')
    const asksNothing = { metadata: { uid: 'claim-1' } } as unknown as PersistentVolumeClaim
    const places = { virtualNodes: nodes, capacities: [unknown] }
    assert.equal(nodeForImmediate(asksNothing, any, places)?.metadata.name, 'small')
  })

  it('is the same for everybody, whatever the order in which they know the nodes', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 })
    fc.assert(
      fc.property(names, fc.string(), (names, uid) => {
        const nodes = names.map((name) => node({ name }))
        const winner = chosen(nodes, any, uid)
        assert.equal(chosen(nodes.toReversed(), any, uid), winner)
        // Another that leaves changes nothing for this claim.
        for (const { metadata } of nodes) {
          if (metadata.name === winner) continue
          assert.equal(
            chosen(
              nodes.filter((other) => other.metadata !== metadata),
              any,
              uid,
            ),
            winner,
          )
        }
      }),
    )
  })

  it('is on all of them in turn', () => {
    const nodes = ['a', 'b', 'c'].map((name) => node({ name }))
    const counts = Map.groupBy(
      Array.from({ length: 300 }, (_, n) => chosen(nodes, any, `claim-${n}`)),
      (name) => name,
    )
    assert.deepEqual([...counts.keys()].sort(), ['a', 'b', 'c'])
    for (const { length } of counts.values()) assert.ok(length > 60, `${length} of 300`)
  })

  it('is a question of classes that say so, or say nothing', () => {
    assert.ok(isImmediate({} as StorageClass))
    assert.ok(!isImmediate({ volumeBindingMode: 'WaitForFirstConsumer' } as StorageClass))
  })
})
