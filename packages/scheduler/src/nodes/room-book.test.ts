import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { parseResources } from '@kosmos/kube'
import { RoomBook } from './room-book.ts'

const cpu = (amount: number) => parseResources({ cpu: `${amount}`, pods: '1' })
const metadata = (name: string) => ({ name, uid: `uid-of-${name}`, resourceVersion: '1' })
const virtual = (...shapes: [nodes: number, cpu: number][]) => ({
  metadata: {
    ...metadata('kosmos-leaf1'),
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

  it('chooses the first node that has it', () => {
    book.setNode(virtual([1, 1]))
    book.setNode(worker)
    assert.equal(book.choose(['kosmos-leaf1', 'worker'], cpu(2)), 'worker')
    assert.equal(book.choose(['kosmos-leaf1', 'worker'], cpu(1)), 'kosmos-leaf1')
    assert.equal(book.choose(['kosmos-leaf1', 'worker'], cpu(9)), undefined)
  })
})
