import assert from 'node:assert/strict'
import { after, before, describe, it, mock } from 'node:test'
import { keyOf, type Namespace, type Node, type ObjectKey, type Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { isGated } from './placement/standing.ts'
import { type Decision, PlacementState } from './placement/state.ts'
import { podLike, policyLike } from './pods.fixture.ts'
import { isBefore, turnOf } from './reservations/turn.ts'
import { becomesOf, simulate, whyWaiting } from './simulation.ts'

const labels = { 'kosmos.io/placement': 'best-fit' }
const shop: Namespace = { metadata: { name: 'shop', uid: 'shop', resourceVersion: '1', labels } }
const schedulingGates = [{ name: 'kosmos.io/placement' }]
const shapes = (cpu: number) => JSON.stringify([{ nodes: 1, free: { cpu: `${cpu}`, pods: '99' } }])

function leaf(name: string, free: number): Node {
  const annotations = { 'kosmos.io/free-shapes': shapes(free), 'kosmos.io/empty-shapes': shapes(6) }
  const metadata = {
    name,
    uid: name,
    resourceVersion: '1',
    labels: { 'kosmos.io/node': 'true', 'kosmos.io/cluster': name },
    annotations,
  }
  return { metadata, status: { conditions: [{ type: 'Ready', status: 'True' }] } } as Node
}

const step = fc.oneof(
  fc.record({
    what: fc.constant('comes' as const),
    cpu: fc.integer({ min: 1, max: 7 }),
    priority: fc.constantFrom(0, 0, 0, 1),
    // Some may go to one leaf only.
    at: fc.constantFrom(undefined, undefined, 'leaf0', 'leaf1'),
  }),
  fc.record({ what: fc.constant('goes' as const), which: fc.nat(20) }),
  fc.record({ what: fc.constant('runs' as const), which: fc.nat(20) }),
  fc.record({ what: fc.constant('hasRoom' as const), leaf: fc.nat(1), free: fc.integer({ min: 0, max: 6 }) }),
  fc.record({ what: fc.constant('waits' as const), seconds: fc.integer({ min: 1, max: 90 }) }),
)

function podAt(name: string, { cpu, priority, at }: { cpu: number; priority: number; at: string | undefined }): Pod {
  const containers = [{ name: 'main', resources: { requests: { cpu: `${cpu}` } } }]
  const nodeSelector = at && { 'kosmos.io/cluster': at }
  // What preempts others is not kept waiting by them.
  const preemptionPolicy = 'Never'
  const pod = podLike({
    name,
    spec: { priority, preemptionPolicy, schedulingGates, containers, ...(nodeSelector && { nodeSelector }) },
  })
  return { ...pod, metadata: { ...pod.metadata, creationTimestamp: new Date().toISOString() } }
}

const summary = (decision: Decision | undefined) =>
  decision?.kind === 'anyRoom'
    ? { offer: decision.offer, node: decision.aim?.node, behind: decision.behind }
    : { offer: decision?.kind, node: undefined, behind: undefined }

/** A scheduler that hears of everything as it comes, and beside it what the root holds. */
class Live {
  readonly nodes = new Map(['leaf0', 'leaf1'].map((name) => [name, leaf(name, 0)]))
  readonly pods = new Map<ObjectKey, Pod>()
  readonly #state = new PlacementState(this.nodes)

  constructor() {
    this.#state.bestFit.set(shop)
    for (const node of this.nodes.values()) this.#state.vacancies.setNode(node, undefined)
  }

  /** Decides about one, which goes where it may; returns what it said, and what one that reads the root would have. */
  decide(pod: Pod) {
    const world = { policies: [], distributions: [], namespaces: [shop] }
    const foretold = whyWaiting({ ...world, nodes: [...this.nodes.values()], pods: [...this.pods.values()] })
    const key = keyOf(pod)
    const decision = this.#state.decide(pod)
    this.#state.commit(pod, decision)
    const said = {
      live: summary(decision),
      foretold: summary(foretold.get(key)),
      kept: this.#state.vacancies.reservations.nodeFor(key),
    }
    if (decision.kind === 'anyRoom' && decision.aim) {
      const { schedulingGates: _, ...spec } = pod.spec
      this.set({ ...pod, spec: { ...spec, nodeName: decision.aim.node }, status: { phase: 'Pending' } })
    }
    return { ...said, keptForetold: foretold.get(key)?.kept }
  }

  set(pod: Pod): void {
    this.pods.set(keyOf(pod), pod)
    this.#state.setPod(pod)
  }

  delete(key: ObjectKey): void {
    this.pods.delete(key)
    this.#state.deletePod(key)
  }

  setNode(node: Node): void {
    const old = this.nodes.get(node.metadata.name)
    this.nodes.set(node.metadata.name, node)
    this.#state.vacancies.setNode(node, old)
  }

  /** Those at the gate, in their order. */
  get waiting(): Pod[] {
    const waiting = [...this.pods.values()].filter(isGated)
    return waiting.sort((a, b) => (isBefore(turnOf(a), turnOf(b)) ? -1 : 1))
  }
}

describe('what a scheduler that has seen all as it came decides, and one that reads the root now', () => {
  before(() => mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01T00:00:00Z') }))
  after(() => mock.timers.reset())

  it('is the same, for pods that come while nodes are kept and while they are not', () => {
    const offers = new Set<unknown>()
    const check = ({ live, foretold, kept, keptForetold }: ReturnType<Live['decide']>) => {
      assert.deepEqual([live, kept], [foretold, keptForetold])
      offers.add(live.offer)
      if (kept) offers.add('kept')
    }
    const property = fc.property(fc.array(step, { minLength: 10, maxLength: 40 }), (steps) => {
      const live = new Live()
      for (const [i, one] of steps.entries()) {
        if (one.what === 'waits') mock.timers.setTime(Date.now() + one.seconds * 1000)
        if (one.what === 'hasRoom') live.setNode(leaf(`leaf${one.leaf}`, one.free))
        if (one.what === 'goes') {
          const key = [...live.pods.keys()][one.which]
          if (key) live.delete(key)
        }
        if (one.what === 'runs') {
          const pod = [...live.pods.values()].filter(({ spec }) => spec.nodeName !== undefined)[one.which]
          const isPending = pod?.status?.phase === 'Pending'
          if (pod && isPending) live.set({ ...pod, status: { phase: 'Running', startTime: new Date().toISOString() } })
        }
        if (one.what === 'comes') {
          const pod = podAt(`pod-${i}`, one)
          live.set(pod)
          // As it comes, before anybody else is looked at again.
          check(live.decide(pod))
        }
        for (const pod of live.waiting) check(live.decide(pod))
      }
    })
    fc.assert(property, { numRuns: 200 })
    assert.deepEqual([...offers].sort(), ['kept', 'noRoom', 'reserved', 'room'])
  })
})

describe('what is foreseen of a pod that is not bound where it has its place', () => {
  it('is that it goes where another place has room, and stays where none has', () => {
    const stuck = podLike({
      annotations: { 'kosmos.io/room-at': 'leaf0' },
      owner: { kind: 'ReplicaSet', name: 'web-1' },
      spec: {
        containers: [{ name: 'main', resources: { requests: { cpu: '2' } } }],
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['leaf0'] }] }],
            },
          },
        },
      },
      status: { phase: 'Pending' },
    })
    const becomes = (free: number) => {
      const nodes = [leaf('leaf0', 6), leaf('leaf1', free)]
      const world = { policies: [], distributions: [], namespaces: [shop], nodes, pods: [stuck] }
      return becomesOf(world, stuck, { by: 'root', words: 'no' }, undefined)
    }
    assert.equal(becomes(2), 'evict')
    assert.deepEqual(becomes(1), { why: 'hasNoOtherPlace' })
  })
})

describe('what is foreseen of a pod that asks for a place at which another waits', () => {
  it('is that it has the place, once that one is to wait at another since somebody else came first', () => {
    const policy = policyLike({
      allocationPolicy: [
        { name: 'leaf0', weight: 1, max: 2 },
        { name: 'leaf1', weight: 1, max: 1 },
      ],
    })
    const of = (name: string, cpu: string, spec: Partial<Pod['spec']>) =>
      podLike({
        name,
        owner: { kind: 'ReplicaSet', name: 'web-1' },
        labels: { 'pod-template-hash': '1' },
        spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }], ...spec },
      })
    const large = of('large', '2', { schedulingGates })
    const world = { policies: [policy], distributions: [], namespaces: [], nodes: [leaf('leaf0', 1)], pods: [large] }
    const at = { nodeSelector: { 'kosmos.io/cluster': 'leaf0' } }
    const foreseen = simulate(world, [of('small-1', '1', at), of('small-2', '1', at)])
    assert.deepEqual(
      foreseen.map((one) => [one.kind, one.kind === 'seat' && one.value, 'offer' in one && one.offer]),
      [
        ['seat', 'leaf0', 'room'],
        ['seat', 'leaf0', 'noRoom'],
      ],
    )
  })
})
