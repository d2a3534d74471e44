import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Node, parseResources } from '@kosmos/kube'
import fc from 'fast-check'
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

  it('is there at the moment that the virtual node has to have published a pod, which is told of once', () => {
    book.setNode(virtual([1, 4]))
    book.take('shop/a', 'kosmos-leaf1', cpu(3), false)
    // Who has asked before the pod ran gets another answer after it.
    assert(!fits('kosmos-leaf1', 4))
    book.take('shop/a', 'kosmos-leaf1', cpu(3), true)
    now += 5_000
    book.take('shop/a', 'kosmos-leaf1', cpu(3), true)
    assert(!fits('kosmos-leaf1', 4))
    now += 3_000
    assert(fits('kosmos-leaf1', 4))
  })

  it('is minded by the largest of those that the leaf does not tell of yet', () => {
    book.setNode(virtual([1, 4]))
    book.take('shop/a', 'kosmos-leaf1', cpu(1), false)
    assert(fits('kosmos-leaf1', 2))
    book.take('shop/b', 'kosmos-leaf1', cpu(3), false)
    assert(!fits('kosmos-leaf1', 2))
  })

  it('is told of once when a pod has given it back', () => {
    book.setNode(worker)
    book.take('shop/a', 'worker', cpu(3), true)
    assert.deepEqual(book.takeFreed(), [])
    book.release('shop/a')
    assert.deepEqual(book.takeFreed(), ['worker'])
    assert.deepEqual(book.takeFreed(), [])
  })

  it('is on a machine from which pods of a lower priority can be preempted, and on no node of several machines', () => {
    book.setNode(worker)
    book.setNode(virtual([1, 4]))
    const nodes = ['kosmos-leaf1', 'worker', 'unknown']
    const chosen = (priority: number) => book.chooseByPreemption(nodes, cpu(4), priority)?.node
    assert.equal(chosen(5), undefined, 'nobody has to leave')
    book.take('shop/a', 'worker', cpu(2), true, 4)
    book.take('shop/b', 'worker', cpu(2), true, 5)
    book.take('shop/c', 'kosmos-leaf1', cpu(4), true, 0)
    assert.deepEqual([book.lowerOn('worker', 4), book.lowerOn('worker', 5)], [[], ['shop/a']])
    assert.deepEqual([chosen(5), chosen(6)], [undefined, 'worker'])
  })

  it('is so many machines by the own word of a node, whatever was promised', () => {
    book.setNode(virtual([3, 4], [2, 1], [4, 5]))
    book.take('shop/a', 'kosmos-leaf1', cpu(4), false)
    const machines = [1, 4, 5, 6].map((amount) => book.machinesFor('kosmos-leaf1', cpu(amount)))
    assert.deepEqual([...machines, book.machinesFor('unknown', cpu(1))], [9, 7, 4, 0, 0])
  })

  it('lacks something only where it could be if no pod of the root were there', () => {
    const empty = [2, 8].map((cpu, i) => ({ nodes: i, free: { cpu: `${cpu}`, pods: '9' } }))
    const { metadata, ...rest } = virtual([1, 2])
    const annotations = { ...metadata.annotations, 'kosmos.io/empty-shapes': JSON.stringify(empty) }
    book.setNode({ ...rest, metadata: { ...metadata, annotations } })
    assert.equal(book.lackOn('kosmos-leaf1', cpu(8)), 0.75)
    assert.equal(book.lackOn('kosmos-leaf1', cpu(9)), undefined)
    const none = JSON.stringify(empty.map((shape) => ({ ...shape, nodes: 0 })))
    book.setNode({ ...rest, metadata: { ...metadata, annotations: { 'kosmos.io/empty-shapes': none } } })
    assert.equal(book.lackOn('kosmos-leaf1', cpu(1)), undefined, 'a machine that is not there')
    assert.equal(book.lackOn('unknown', cpu(1)), undefined)
  })

  it('says of a node without it, and of one that is not known, nothing that speaks for them', () => {
    book.setNode(worker)
    const nothing = { priority: 0, fit: 0 }
    assert.deepEqual(book.candidates(['worker', 'unknown'], cpu(5)), [
      { ...nothing, node: 'worker', hasRoom: false, isOwn: true },
      { ...nothing, node: 'unknown', hasRoom: true, isOwn: false },
    ])
  })
})

describe('the room that is left after much has come and gone', () => {
  const names = ['one', 'other'] as const
  type Says = number | readonly number[] | undefined
  /** What a node says of itself: one machine, machines of a leaf, or nothing. */
  const node = (name: string, says: Says): Node => {
    if (says === undefined) return { metadata: metadata(name), status: {} }
    if (typeof says === 'number') {
      return { metadata: metadata(name), status: { allocatable: { cpu: `${says}`, pods: '4' } } }
    }
    const shapes = (free: readonly number[]) =>
      JSON.stringify(free.map((cpu) => ({ nodes: 1, free: { cpu: `${cpu}`, pods: '9' } })))
    const annotations = { 'kosmos.io/free-shapes': shapes(says), 'kosmos.io/empty-shapes': shapes([9]) }
    return { metadata: { ...metadata(name), labels: { 'kosmos.io/node': 'true' }, annotations } }
  }
  const pod = fc.constantFrom('shop/a', 'shop/b', 'shop/c')
  const amount = fc.integer({ min: 1, max: 6 })
  const taking = fc.record({
    node: fc.constantFrom(...names),
    cpu: fc.integer({ min: 1, max: 2 }),
    isRunning: fc.boolean(),
  })
  type Taking = typeof taking extends fc.Arbitrary<infer T> ? T : never
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('node' as const),
      name: fc.constantFrom(...names),
      says: fc.oneof(amount, fc.array(amount, { maxLength: 2 }), fc.constant(undefined)),
    }),
    fc.record({ kind: fc.constant('noNode' as const), name: fc.constantFrom(...names) }),
    fc.record({ kind: fc.constant('takes' as const), pod, taking }),
    fc.record({ kind: fc.constant('runs' as const), pod }),
    fc.record({ kind: fc.constant('leaves' as const), pod }),
    fc.record({ kind: fc.constant('waits' as const), ms: fc.constantFrom(1_000, 9_000) }),
    // What is answered in between is not to stay when it is different.
    fc.record({ kind: fc.constant('asks' as const), amount }),
  )

  it('is that of a book which is told at once what is there now', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        let now = 1_000_000
        const book = new RoomBook(() => now)
        const nodes = new Map<string, Says>()
        const pods = new Map<string, Taking>()
        const take = (into: RoomBook, key: string, { node, cpu: asked, isRunning }: Taking) =>
          into.take(key, node, cpu(asked), isRunning, key === 'shop/a' ? 5 : 0)
        for (const one of steps) {
          if (one.kind === 'node') {
            nodes.set(one.name, one.says)
            book.setNode(node(one.name, one.says))
          } else if (one.kind === 'noNode') {
            nodes.delete(one.name)
            book.deleteNode(one.name)
          } else if (one.kind === 'waits') now += one.ms
          else if (one.kind === 'asks') book.candidates(names, cpu(one.amount))
          else if (one.kind === 'leaves') {
            pods.delete(one.pod)
            book.release(one.pod)
          } else {
            const taking = one.kind === 'takes' ? one.taking : pods.get(one.pod)
            if (taking === undefined) continue
            pods.set(one.pod, { ...taking, isRunning: taking.isRunning || one.kind === 'runs' })
            take(book, one.pod, { ...taking, isRunning: taking.isRunning || one.kind === 'runs' })
          }
        }
        const fresh = new RoomBook(() => now)
        for (const [name, says] of nodes) fresh.setNode(node(name, says))
        for (const [key, taking] of pods) take(fresh, key, taking)
        // Of what runs every virtual node tells by now.
        now += 9_000
        for (const asked of [1, 2, 3, 4, 5, 6].map(cpu)) {
          assert.deepEqual(book.candidates(names, asked), fresh.candidates(names, asked))
          assert.deepEqual(book.chooseByPreemption(names, asked, 5), fresh.chooseByPreemption(names, asked, 5))
          for (const name of names) assert.equal(book.lackOn(name, asked), fresh.lackOn(name, asked))
        }
        for (const name of names) assert.deepEqual(book.lowerOn(name, 5).sort(), fresh.lowerOn(name, 5).sort())
      }),
      { numRuns: 500 },
    )
  })

  it('remembers nothing of nodes and pods that are gone, whichever went first', () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const heap = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const book = new RoomBook()
    const requests = cpu(1)
    const before = heap()
    for (let i = 0; i < 20_000; i++) {
      const [name, key] = [`node-${i}`, `shop/pod-${i}` as const]
      if (i % 3 > 0) book.setNode(node(name, 1))
      book.take(key, name, requests, false)
      if (i % 3 === 1) book.deleteNode(name)
      book.release(key)
      if (i % 3 === 2) book.deleteNode(name)
      book.takeFreed()
    }
    const bytes = (heap() - before) / 20_000
    // Still there itself, so that it was measured.
    assert.deepEqual(book.takeFreed(), [])
    assert(bytes < 100, `${bytes} bytes a node`)
  })
})
