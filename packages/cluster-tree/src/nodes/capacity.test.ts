import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  addResources,
  formatResources,
  keyOf,
  type Node,
  type Pod,
  parseQuantity,
  parseResources,
  podRequests,
  type ResourceList,
  subtractResources,
} from '@kosmos/kube'
import fc from 'fast-check'
import { CapacityLedger, isAvailable } from './capacity.ts'

type Amounts = Readonly<Record<string, string>>

interface NodeParts {
  readonly ready?: boolean
  readonly cordoned?: boolean
  readonly allocatable?: Amounts
  /** The same, unless it is said. */
  readonly capacity?: Amounts
}

function leafNode(name: string, { ready = true, cordoned = false, allocatable = {}, ...parts }: NodeParts): Node {
  return {
    metadata: { name, uid: name, resourceVersion: '1' },
    spec: { ...(cordoned && { unschedulable: true }) },
    status: {
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      capacity: parts.capacity ?? allocatable,
      allocatable,
    },
  }
}

interface PodPartsOfOthers {
  readonly nodeName?: string
  readonly requests?: Amounts
  readonly phase?: string
}

function foreignPod(name: string, { nodeName, requests = {}, phase = 'Running' }: PodPartsOfOthers): Pod {
  return {
    metadata: { name, namespace: 'theirs', uid: name, resourceVersion: '1' },
    spec: { ...(nodeName && { nodeName }), containers: [{ name: 'main', resources: { requests } }] },
    status: { phase },
  }
}

const home = 'kosmos-east'

function ledger(nodes: readonly Node[], pods: readonly Pod[] = []): CapacityLedger {
  const ledger = new CapacityLedger()
  for (const node of nodes) ledger.setNode(node, home)
  for (const pod of pods) ledger.setPod(pod)
  return ledger
}

const allocatable = (ledger: CapacityLedger) => formatResources(ledger.offer(home).allocatable)

const big = { cpu: '4', memory: '8Gi', pods: '110' }

describe('what a virtual node offers', () => {
  it('is the sum of its leaf nodes', () => {
    const offer = ledger([
      leafNode('a', { allocatable: big }),
      leafNode('b', { allocatable: { cpu: '500m', pods: '10' } }),
    ])
    assert.deepEqual(allocatable(offer), { cpu: '4500m', memory: '8Gi', pods: '120' })
  })

  it('leaves out nodes that are not ready, cordoned or on their way out', () => {
    const leaving = leafNode('leaving', { allocatable: big })
    const nodes = [
      leafNode('a', { allocatable: { cpu: '1' } }),
      leafNode('down', { allocatable: big, ready: false }),
      leafNode('cordoned', { allocatable: big, cordoned: true }),
      { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
    ]
    assert.deepEqual(allocatable(ledger(nodes)), { cpu: '1' })
    assert.deepEqual(formatResources(ledger(nodes).offer(home).capacity), { cpu: '1' })
  })

  it('goes down by what others have placed there, each pod being one of pods', () => {
    const pod = foreignPod('p', { nodeName: 'a', requests: { cpu: '250m', memory: '1Gi' } })
    const waiting = foreignPod('q', { nodeName: 'a', requests: { cpu: '250m' }, phase: 'Pending' })
    const offer = ledger([leafNode('a', { allocatable: big })], [pod, waiting])
    assert.deepEqual(allocatable(offer), { cpu: '3500m', memory: '7Gi', pods: '108' })
    assert.deepEqual(formatResources(offer.offer(home).capacity), big)
  })

  it('is not lowered by pods that ended, have no node, or are on nodes that do not count', () => {
    const requests = { cpu: '1' }
    const pods = [
      foreignPod('done', { nodeName: 'a', requests, phase: 'Succeeded' }),
      foreignPod('failed', { nodeName: 'a', requests, phase: 'Failed' }),
      foreignPod('unbound', { requests, phase: 'Pending' }),
      foreignPod('elsewhere', { nodeName: 'cordoned', requests }),
      foreignPod('nowhere', { nodeName: 'gone', requests }),
    ]
    const nodes = [leafNode('a', { allocatable: big }), leafNode('cordoned', { allocatable: big, cordoned: true })]
    assert.deepEqual(allocatable(ledger(nodes, pods)), big)
  })

  it('keeps what our own pods take of nodes that do not count, which the root counts against the others', () => {
    const offer = ledger([
      leafNode('a', { allocatable: { cpu: '4', pods: '9' } }),
      leafNode('b', { allocatable: big, cordoned: true }),
    ])
    const pod = foreignPod('p', { nodeName: 'b', requests: { cpu: '3' } })
    offer.setCopy(pod)
    assert.deepEqual(allocatable(offer), { cpu: '7', pods: '10' })
    assert.deepEqual(formatResources(offer.offer(home).capacity), { cpu: '7', pods: '10' })
    offer.setNode(leafNode('b', { allocatable: big }), home)
    assert.deepEqual(allocatable(offer), { cpu: '8', memory: '8Gi', pods: '119' })
    offer.setNode(leafNode('b', { allocatable: big, ready: false }), home)
    offer.removeCopy(keyOf(pod))
    assert.deepEqual(allocatable(offer), { cpu: '4', pods: '9' })
  })

  it('is never negative, and one node’s shortage takes nothing from another', () => {
    const nodes = [
      leafNode('a', { allocatable: { cpu: '1', pods: '1' } }),
      leafNode('b', { allocatable: { cpu: '2', pods: '5' } }),
    ]
    const pods = [1, 2, 3].map((i) => foreignPod(`p${i}`, { nodeName: 'a', requests: { cpu: '900m' } }))
    assert.deepEqual(allocatable(ledger(nodes, pods)), { cpu: '2', pods: '5' })
  })

  it('is less by what each leaf node keeps back, and by no more than is there', () => {
    const two = ledger([
      leafNode('a', { allocatable: big }),
      leafNode('b', { allocatable: { cpu: '500m', pods: '5' } }),
    ])
    two.setReserved(parseResources({ cpu: '1', memory: '1Gi' }))
    assert.deepEqual(allocatable(two), { cpu: '3', memory: '7Gi', pods: '115' })
    two.setReserved(parseResources({}))
    assert.deepEqual(allocatable(two), { cpu: '4500m', memory: '8Gi', pods: '115' })
  })

  it('follows a leaf node of which only the capacity, only what of it is free, or only its state has changed', () => {
    const capacity = { cpu: '4' }
    const offer = ledger([leafNode('a', { capacity, allocatable: { cpu: '3' } })])
    const now = () =>
      [offer.offer(home).capacity, offer.offer(home).allocatable].map((list) => formatResources(list).cpu)
    offer.setNode(leafNode('a', { capacity: { cpu: '8' }, allocatable: { cpu: '3' } }), home)
    assert.deepEqual(now(), ['8', '3'])
    offer.setNode(leafNode('a', { capacity: { cpu: '8' }, allocatable: { cpu: '7' } }), home)
    assert.deepEqual(now(), ['8', '7'])
    offer.setNode(leafNode('a', { capacity: { cpu: '8' }, allocatable: { cpu: '7' }, cordoned: true }), home)
    assert.deepEqual(now(), [undefined, undefined])
  })

  it('keeps whole devices exact', () => {
    const nodes = ['a', 'b', 'c'].map((name) => leafNode(name, { allocatable: { 'nvidia.com/gpu': '1' } }))
    const taken = foreignPod('p', { nodeName: 'b', requests: { 'nvidia.com/gpu': '1' } })
    assert.deepEqual(allocatable(ledger(nodes, [taken])), { 'nvidia.com/gpu': '2' })
  })

  it('shows a resource at zero while a node has it and drops it with the last such node', () => {
    const offer = ledger([
      leafNode('a', { allocatable: { cpu: '1', 'nvidia.com/gpu': '1' } }),
      leafNode('b', { allocatable: { cpu: '1' } }),
    ])
    offer.setPod(foreignPod('p', { nodeName: 'a', requests: { 'nvidia.com/gpu': '1' } }))
    assert.deepEqual(allocatable(offer), { cpu: '2', 'nvidia.com/gpu': '0' })
    offer.removeNode('a')
    assert.deepEqual(allocatable(offer), { cpu: '1' })
  })

  it('says whether a pod of ours has changed what is left in a leaf node', () => {
    const offer = ledger([leafNode('a', { allocatable: big }), leafNode('down', { allocatable: big, ready: false })])
    const pod = foreignPod('p', { nodeName: 'a', requests: { cpu: '1' } })
    assert.deepEqual([offer.setCopy(pod), offer.setCopy(pod)], [true, false])
    assert.deepEqual([offer.removeCopy(keyOf(pod)), offer.removeCopy(keyOf(pod))], [true, false])
    assert.deepEqual(
      [offer.emptied('down'), offer.leftIn('down'), offer.emptied('nobody')],
      [undefined, undefined, undefined],
    )
    assert(!isAvailable({ metadata: { name: 'new', uid: 'u', resourceVersion: '1' } }))
  })

  it('knows of pods that were seen before their node', () => {
    const offer = ledger([], [foreignPod('p', { nodeName: 'a', requests: { cpu: '1' } })])
    offer.setNode(leafNode('a', { allocatable: big }), home)
    assert.deepEqual(allocatable(offer), { cpu: '3', memory: '8Gi', pods: '109' })
  })

  it('moves with a node that becomes part of another virtual node, and what others use there with it', () => {
    const offer = ledger(
      [leafNode('a', { allocatable: big }), leafNode('b', { allocatable: { cpu: '1' } })],
      [foreignPod('p', { nodeName: 'a', requests: { cpu: '1' } })],
    )
    offer.setNode(leafNode('a', { allocatable: big }), 'kosmos-gpu-0')
    assert.deepEqual(allocatable(offer), { cpu: '1' })
    const { capacity, allocatable: free } = offer.offer('kosmos-gpu-0')
    assert.deepEqual(formatResources(capacity), big)
    assert.deepEqual(formatResources(free), { cpu: '3', memory: '8Gi', pods: '109' })
    assert.equal(offer.offer('kosmos-of-nothing').capacity.size, 0)
  })

  it('gives back what a pod took when it goes, and takes what it takes after a resize', () => {
    const offer = ledger([leafNode('a', { allocatable: big })])
    offer.setPod(foreignPod('p', { nodeName: 'a', requests: { cpu: '1' } }))
    offer.setPod(foreignPod('p', { nodeName: 'a', requests: { cpu: '2' } }))
    assert.equal(allocatable(offer).cpu, '2')
    offer.removePod('theirs/p')
    assert.deepEqual(allocatable(offer), big)
  })
})

describe('an offer kept event by event', () => {
  const cpu = fc.constantFrom('0', '1', '250m', '3500m', '100n')
  const memory = fc.constantFrom('64Mi', '1Gi', '1G', '123456789', '1e9')
  const gpu = fc.constantFrom('1', '8')
  const requests = fc.record({ cpu, memory, 'nvidia.com/gpu': gpu }, { requiredKeys: [] })
  const allocatable = fc.record(
    { cpu, memory, pods: fc.constantFrom('1', '110'), 'nvidia.com/gpu': gpu },
    { requiredKeys: [] },
  )
  const nodeName = fc.constantFrom('a', 'b', 'c')
  const homes = ['kosmos-east', 'kosmos-gpu-0'] as const
  const podName = fc.constantFrom('p', 'q', 'r', 's')
  const event = fc.oneof(
    fc.record({
      node: fc.tuple(nodeName, fc.record({ ready: fc.boolean(), cordoned: fc.boolean(), allocatable })),
      home: fc.constantFrom(...homes),
    }),
    fc.record({ nodeGone: nodeName }),
    fc.record({
      pod: fc.tuple(
        podName,
        fc.record(
          { nodeName, requests, phase: fc.constantFrom('Pending', 'Running', 'Failed') },
          { requiredKeys: ['requests', 'phase'] },
        ),
      ),
    }),
    fc.record({ podGone: podName }),
    fc.record({ copy: fc.tuple(podName, fc.record({ nodeName, requests })) }),
    fc.record({ copyGone: podName }),
    fc.record({ reserved: requests }),
  )

  it('is the same as one computed from scratch', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const incremental = new CapacityLedger()
        const nodes = new Map<string, { node: Node; home: string }>()
        const pods = new Map<string, Pod>()
        const copies = new Map<string, Pod>()
        let reserved: ResourceList = new Map()
        for (const happened of events) {
          if ('node' in happened) {
            const node = leafNode(...happened.node)
            nodes.set(node.metadata.name, { node, home: happened.home })
            incremental.setNode(node, happened.home)
          } else if ('nodeGone' in happened) {
            nodes.delete(happened.nodeGone)
            incremental.removeNode(happened.nodeGone)
          } else if ('pod' in happened) {
            const pod = foreignPod(...happened.pod)
            pods.set(keyOf(pod), pod)
            incremental.setPod(pod)
          } else if ('copy' in happened) {
            const copy = foreignPod(...happened.copy)
            copies.set(keyOf(copy), copy)
            incremental.setCopy(copy)
          } else if ('copyGone' in happened) {
            copies.delete(`theirs/${happened.copyGone}`)
            incremental.removeCopy(`theirs/${happened.copyGone}`)
          } else if ('reserved' in happened) {
            reserved = parseResources(happened.reserved)
            incremental.setReserved(reserved)
          } else {
            pods.delete(`theirs/${happened.podGone}`)
            incremental.removePod(`theirs/${happened.podGone}`)
          }
          for (const home of homes) {
            const members = [...nodes.values()].filter((node) => node.home === home).map(({ node }) => node)
            const offer = incremental.offer(home)
            const taken = takenOfOthers(members, [...copies.values()])
            const free = fromScratch(members, [...pods.values()], reserved)
            assertSameAmounts(offer.allocatable, addResources(free, taken))
            const whole = members.filter(isAvailable).map(({ status }) => parseResources(status?.capacity))
            assertSameAmounts(offer.capacity, whole.reduce(addResources, taken))
          }
          for (const [name, { node }] of nodes) {
            const left = incremental.leftIn(name)
            assert.equal(left === undefined, !isAvailable(node))
            const all = [...pods.values(), ...copies.values()]
            assertSameAmounts(left ?? new Map(), fromScratch([node], all, reserved))
            assertSameAmounts(incremental.emptied(name) ?? new Map(), fromScratch([node], [...pods.values()], reserved))
          }
        }
      }),
    )
  })

  /** What pods take of nodes that do not count. */
  function takenOfOthers(nodes: readonly Node[], pods: readonly Pod[]): ResourceList {
    const closed = new Set(nodes.filter((node) => !isAvailable(node)).map(({ metadata }) => metadata.name))
    return pods
      .filter(({ spec }) => closed.has(spec.nodeName ?? ''))
      .map((pod) => addResources(podRequests(pod), parseResources({ pods: '1' })))
      .reduce<ResourceList>(addResources, new Map())
  }

  /** The definition, straightforwardly. */
  function fromScratch(nodes: readonly Node[], pods: readonly Pod[], reserved: ResourceList): ResourceList {
    let total: ResourceList = new Map()
    for (const node of nodes.filter(isAvailable)) {
      const here = pods.filter(({ spec, status }) => spec.nodeName === node.metadata.name && status?.phase !== 'Failed')
      const has = parseResources(node.status?.allocatable)
      let free: ResourceList = subtractResources(has, reserved)
      for (const pod of here)
        free = subtractResources(free, addResources(podRequests(pod), parseResources({ pods: '1' })))
      const zero = parseQuantity('0')
      total = addResources(total, new Map([...has.keys()].map((name) => [name, (free.get(name) ?? zero).max(zero)])))
    }
    return total
  }

  function assertSameAmounts(actual: ResourceList, expected: ResourceList): void {
    const plain = (list: ResourceList) =>
      Object.fromEntries(
        [...list].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, quantity]) => [name, quantity.toNumber()]),
      )
    assert.deepEqual(plain(actual), plain(expected))
    for (const [name, quantity] of actual) assert.ok(expected.get(name)?.equals(quantity), name)
  }
})
