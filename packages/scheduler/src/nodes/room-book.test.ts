import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { parseResources } from '@kosmos/kube'
import { RoomBook } from './room-book.ts'

const cpu = (amount: number) => parseResources({ cpu: `${amount}`, pods: '1' })
const metadata = (name: string) => ({ name, uid: `uid-of-${name}`, resourceVersion: '1' })
const virtual = (...shapes: [nodes: number, cpu: number][]) => ({
  metadata: {
    ...metadata('kosmos-leaf1'),
    labels: { 'kosmos.io/node': 'true' },
    annotations: {
      'kosmos.io/free-shapes': JSON.stringify(
        shapes.map(([nodes, cpu]) => ({ nodes, free: { cpu: `${cpu}`, pods: '9' } })),
      ),
    },
  },
  status: { allocatable: { cpu: '999', pods: '999' } },
})
const worker = { metadata: metadata('worker'), status: { allocatable: { cpu: '4', pods: '10' } } }

describe('the room for pods to come', () => {
  let now = 0
  let book: RoomBook
  const fits = (name: string, amount: number) => book.choose([name], cpu(amount)) !== undefined
  beforeEach(() => {
    now = 1_000_000
    book = new RoomBook(() => now)
  })

  it('is what one machine of the leaf has, not the sum of them', () => {
    book.setNode(virtual([10, 2]))
    assert(fits('kosmos-leaf1', 2))
    assert(!fits('kosmos-leaf1', 3))
  })

  it('is less from the moment that a place is promised', () => {
    book.setNode(virtual([2, 4]))
    book.take('shop/a', 'kosmos-leaf1', cpu(3), false)
    assert(fits('kosmos-leaf1', 4))
    book.take('shop/b', 'kosmos-leaf1', cpu(3), false)
    assert(!fits('kosmos-leaf1', 4))
    assert(fits('kosmos-leaf1', 1))
    book.release('shop/a')
    assert(fits('kosmos-leaf1', 4))
  })

  it('counts a promise until the virtual node has had the time to publish the pod, and no longer', () => {
    book.setNode(virtual([1, 4]))
    book.take('shop/a', 'kosmos-leaf1', cpu(3), false)
    book.take('shop/a', 'kosmos-leaf1', cpu(3), true)
    assert(!fits('kosmos-leaf1', 2))
    assert.equal(book.freesWithinMs(['kosmos-leaf1', 'worker']), 8_000)
    now += 10_000
    book.setNode(virtual([1, 1]))
    assert(fits('kosmos-leaf1', 1))
    assert.equal(book.freesWithinMs(['kosmos-leaf1']), undefined)
    // What the watch tells of it later is no new promise.
    book.take('shop/a', 'kosmos-leaf1', cpu(3), true)
    assert(fits('kosmos-leaf1', 1))
  })

  it('counts what pods take of an ordinary node as long as they are there', () => {
    book.setNode(worker)
    book.take('shop/a', 'worker', cpu(3), true)
    now += 100_000
    assert(fits('worker', 1))
    assert(!fits('worker', 2))
    book.release('shop/a')
    assert(fits('worker', 4))
  })

  it('follows a pod that is resized where it runs', () => {
    book.setNode(worker)
    book.setNode(virtual([1, 4]))
    book.take('shop/a', 'worker', cpu(1), true)
    book.take('shop/b', 'kosmos-leaf1', cpu(1), true)
    now += 10_000
    assert(fits('worker', 3) && fits('kosmos-leaf1', 4))
    book.take('shop/a', 'worker', cpu(3), true)
    assert(!fits('worker', 2))
    book.take('shop/a', 'worker', cpu(2), true)
    assert(fits('worker', 2))
    assert.deepEqual(book.takeFreed(), ['worker'])
    // The virtual node tells of what it takes more a little later.
    book.take('shop/b', 'kosmos-leaf1', cpu(3), true)
    assert(!fits('kosmos-leaf1', 2))
    now += 10_000
    book.setNode(virtual([1, 2]))
    assert(fits('kosmos-leaf1', 2))
  })

  it('moves a promise to the node that the pod was bound to', () => {
    book.setNode(virtual([1, 4]))
    book.setNode(worker)
    book.take('shop/a', 'kosmos-leaf1', cpu(3), false)
    book.take('shop/a', 'worker', cpu(3), false)
    assert(fits('kosmos-leaf1', 4))
    assert(!fits('worker', 4))
  })

  it('is left to the stock scheduler on a node that says nothing about it', () => {
    book.setNode({ metadata: metadata('silent'), status: {} })
    assert(fits('silent', 1000))
    assert(fits('unknown', 1000))
  })

  it('is counted wherever the leaf may have put those that it does not tell of yet', () => {
    book.setNode(virtual([1, 4], [1, 2]))
    book.take('shop/a', 'kosmos-leaf1', cpu(1), false)
    // In the machine of 2, or in that of 4: there is room for 3 in the first case only, for 2 in both.
    assert(!fits('kosmos-leaf1', 4))
    assert(fits('kosmos-leaf1', 3))
    book.take('shop/b', 'kosmos-leaf1', cpu(1), false)
    assert(!fits('kosmos-leaf1', 3))
    assert(fits('kosmos-leaf1', 2))
  })

  it('is taken beyond what there is where pods were bound by hand', () => {
    book.setNode(worker)
    book.take('shop/a', 'worker', cpu(3), true)
    assert(fits('worker', 1))
    book.take('shop/b', 'worker', cpu(3), true)
    assert(!fits('worker', 1))
    book.release('shop/a')
    assert(fits('worker', 1))
  })

  it('is looked for first where the priority is higher, then in the root itself, then where it fits best', () => {
    const cheap = { ...virtual([1, 9]), metadata: { ...virtual([1, 9]).metadata, name: 'kosmos-cheap' } }
    const prioritised = (priority: string) => ({
      ...cheap,
      metadata: {
        ...cheap.metadata,
        annotations: { ...cheap.metadata.annotations, 'kosmos.io/placement-priority': priority },
      },
    })
    book.setNode(virtual([1, 3]))
    book.setNode(prioritised('0'))
    book.setNode(worker)
    const chosen = (amount: number) => book.choose(['kosmos-cheap', 'kosmos-leaf1', 'worker'], cpu(amount))?.node
    assert.deepEqual([chosen(4), chosen(9), chosen(10)], ['worker', 'kosmos-cheap', undefined])
    book.take('shop/a', 'worker', cpu(4), true)
    assert.equal(chosen(2), 'kosmos-leaf1', 'the tighter one of two leaves')
    book.setNode(prioritised('1'))
    assert.equal(chosen(2), 'kosmos-cheap')
    book.release('shop/a')
    assert.equal(chosen(2), 'kosmos-cheap', 'before nodes of the root as well')
    book.setNode(prioritised('-1'))
    assert.equal(chosen(2), 'worker')
    book.setNode(prioritised('high'))
    assert.equal(chosen(5), 'kosmos-cheap', 'what is no number is none')
  })
})
