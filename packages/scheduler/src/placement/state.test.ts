import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clusterLabel, nodeLabel } from '@kosmos/api'
import { type Namespace, type Node, NodeAffinity, type Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { podLike, policyLike } from '../pods.fixture.ts'
import { allot } from '../seats/seats.ts'
import { simulate, stateOf } from '../simulation.ts'
import { openPatch } from './patch.ts'
import { type Decision, PlacementState } from './state.ts'

const leaf = (cluster: string, machines: number, cpu: number): Node => ({
  metadata: {
    name: `kosmos-${cluster}`,
    uid: `uid-of-${cluster}`,
    resourceVersion: '1',
    labels: { [clusterLabel]: cluster, [nodeLabel]: 'true' },
    annotations: {
      'kosmos.io/free-shapes': JSON.stringify([{ nodes: machines, free: { cpu: `${cpu}`, pods: '100' } }]),
    },
  },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
})
const gated = (name: string, cpu = 1): Pod =>
  podLike({
    name,
    spec: {
      schedulingGates: [{ name: 'kosmos.io/placement' }],
      containers: [{ name: 'main', resources: { requests: { cpu: `${cpu}` } } }],
    },
  })

/** Carries out what is decided, as the API server would show it. */
function settle(state: PlacementState, pod: Pod): string {
  const decision = state.decide(pod)
  state.commit(pod, decision)
  if (decision.kind !== 'seat') return decision.kind
  if (decision.offer !== 'room') return decision.offer
  const { schedulingGates: _, ...spec } = pod.spec
  const annotations = { 'kosmos.io/seat': String(decision.seat.number) }
  const placed = {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: { ...spec, nodeSelector: { [clusterLabel]: decision.value } },
  }
  state.setPod(placed)
  return decision.value
}
function count(values: readonly string[]): Record<string, number> {
  const all: Record<string, number> = {}
  for (const value of values) all[value] = (all[value] ?? 0) + 1
  return all
}

const allocationPolicy = [
  { name: 'leaf1', replicas: 3 },
  { name: 'leaf2', replicas: 3 },
]
const required = policyLike({ allocationPolicy, allocationType: 'Required', labelSelector: {} })
const names = Array.from({ length: 6 }, (_, i) => `p${i}`)

const bestFit = (name = 'shop'): Namespace => ({
  metadata: { name, uid: `uid-of-${name}`, resourceVersion: '1', labels: { 'kosmos.io/placement': 'best-fit' } },
})
const empty = { distributions: [], namespaces: [], policies: [], nodes: [], pods: [] }
const bound = (pod: Pod, nodeName: string): Pod => {
  const { schedulingGates: _, ...spec } = pod.spec
  return { ...pod, spec: { ...spec, nodeName }, status: { phase: 'Pending' } }
}

describe('a place where no pod can go', () => {
  it('is told from one that no node has the label of', () => {
    const cordoned = { ...leaf('leaf1', 1, 8), spec: { unschedulable: true } }
    const shares = ['leaf1', 'laef2'].map((name) => ({ name, replicas: 1 }))
    const policies = [policyLike({ allocationPolicy: shares, allocationType: 'Required', labelSelector: {} })]
    const decisions = simulate({ ...empty, policies, nodes: [cordoned] }, [gated('a'), gated('b')])
    assert.deepEqual(
      decisions.map((one) => one.kind === 'seat' && [one.value, one.offer]),
      [
        ['leaf1', 'noNode'],
        ['laef2', 'noValue'],
      ],
    )
  })
})

describe('the decisions about pods of a namespace that minds room', () => {
  const nodes = [leaf('leaf1', 10, 2), leaf('leaf2', 1, 8)]
  const aimOf = (decision: Decision) =>
    decision.kind === 'anyRoom' ? (decision.aim?.node ?? decision.offer) : decision.kind

  it('send a pod where one machine has room for it, and none where it only adds up', () => {
    const pods = [5, 2, 3, 9].map((cpu, i) => gated(`p${i}`, cpu))
    const aims = simulate({ ...empty, namespaces: [bestFit()], nodes }, pods).map(aimOf)
    // The second fills a machine of leaf1; the third has what the first has left.
    assert.deepEqual(aims, ['kosmos-leaf2', 'kosmos-leaf1', 'kosmos-leaf2', 'noRoom'])
  })

  it('leave other namespaces alone, and those of the root itself whatever their label', () => {
    const elsewhere = { ...gated('p'), metadata: { ...gated('p').metadata, namespace: 'kube-system' } }
    const world = { ...empty, namespaces: [bestFit('kube-system')], nodes }
    assert.deepEqual(simulate(world, [gated('p', 99), elsewhere]).map(aimOf), ['anywhere', 'anywhere'])
  })

  it('are the same once more when the answer is lost, and free when the pod was refused', () => {
    const state = stateOf({ ...empty, namespaces: [bestFit()], nodes })
    const [a, b] = [gated('a', 8), gated('b', 8)]
    const first = state.decide(a)
    state.commit(a, first)
    assert.deepEqual(state.decide(a), first)
    assert.equal(aimOf(state.decide(b)), 'noRoom')
    state.withdraw('shop/a', a)
    assert.equal(aimOf(state.decide(b)), 'kosmos-leaf2')
  })

  it('count a pod whose gate is open, one for which others are preempted, and one that was bound by hand', () => {
    const annotations = { 'kosmos.io/room-at': 'kosmos-leaf2' }
    const { schedulingGates: _, ...spec } = gated('x', 8).spec
    const open = { ...gated('open', 8), metadata: { ...gated('open').metadata, annotations }, spec }
    const nominated = { ...gated('nominated', 8), spec, status: { nominatedNodeName: 'kosmos-leaf2' } }
    for (const other of [open, nominated, bound(gated('hand', 8), 'kosmos-leaf2')]) {
      const world = { ...empty, namespaces: [bestFit()], nodes, pods: [other] }
      assert.equal(aimOf(simulate(world, [gated('p', 8)])[0] ?? assert.fail()), 'noRoom', other.metadata.name)
      const state = stateOf(world)
      state.deletePod(`shop/${other.metadata.name}`)
      assert.equal(aimOf(state.decide(gated('p', 8))), 'kosmos-leaf2')
    }
  })

  it('are looked at again when a node has room, or has told of all pods that it was promised to', () => {
    let now = 1_000_000
    const known = new Map([['kosmos-leaf1', leaf('leaf1', 1, 8)]])
    const state = new PlacementState(known, () => now)
    state.bestFit.set(bestFit())
    for (const node of known.values()) state.vacancies.setNode(node, undefined)
    const first = gated('first', 8)
    state.commit(first, state.decide(first))
    const waiting = gated('waiting', 8)
    const decision = state.decide(waiting)
    const within = (node: string) => state.roomWithinMs(waiting, decision, node)
    assert.deepEqual([aimOf(decision), within('kosmos-leaf1'), within('worker')], ['noRoom', undefined, undefined])
    const running = { ...bound(first, 'kosmos-leaf1'), status: { phase: 'Running' } }
    state.setPod(running)
    // Another pod has ended in the leaf: the node says that there is room, and may not know of the first one yet.
    state.vacancies.setNode(leaf('leaf1', 1, 8), leaf('leaf1', 1, 8))
    assert.equal(within('kosmos-leaf1'), 8_000)
    now += 8_000
    assert.equal(within('kosmos-leaf1'), 0)
    assert.equal(aimOf(state.decide(waiting)), 'kosmos-leaf1')
  })

  it('let a pod go where others are preempted for it only if no node has room, and only where it is known whose leaving makes room', () => {
    const own = (name: string): Node => ({
      metadata: { name, uid: name, resourceVersion: '1' },
      status: { allocatable: { cpu: '4', pods: '10' }, conditions: [{ type: 'Ready', status: 'True' }] },
    })
    const urgent = (spec: Partial<Pod['spec']> = {}) => {
      const pod = gated('urgent', 3)
      return { ...pod, spec: { ...pod.spec, priority: 10, ...spec } }
    }
    const low = [bound(gated('low', 3), 'worker'), bound(gated('inLeaf', 3), 'kosmos-leaf1')]
    const world = { ...empty, namespaces: [bestFit()], nodes: [own('worker'), leaf('leaf1', 1, 4)], pods: low }
    const outcome = (pod: Pod, more: Partial<typeof world> = {}) => {
      const [decision] = simulate({ ...world, ...more }, [pod])
      return decision?.kind === 'anyRoom' ? [decision.offer, decision.aim?.node] : []
    }
    assert.deepEqual(outcome(urgent()), ['byPreemption', 'worker'])
    assert.deepEqual(outcome(urgent(), { nodes: [...world.nodes, leaf('leaf2', 1, 4)] }), ['room', 'kosmos-leaf2'])
    assert.deepEqual(outcome(urgent({ preemptionPolicy: 'Never' })), ['noRoom', undefined])
    assert.deepEqual(outcome(urgent({ priority: 0 })), ['noRoom', undefined])
    assert.deepEqual(outcome(urgent(), { nodes: [leaf('leaf1', 1, 4)] }), ['noRoom', undefined])
    const busy = [...low, bound({ ...gated('equal', 2), spec: { ...gated('equal', 2).spec, priority: 10 } }, 'worker')]
    assert.deepEqual(outcome(urgent(), { pods: busy }), ['noRoom', undefined])
    // Two of them are not let go for the same victim.
    const both = simulate(world, [
      urgent(),
      { ...urgent(), metadata: { ...urgent().metadata, name: 'second', uid: 'second' } },
    ])
    assert.deepEqual(
      both.map((one) => 'offer' in one && one.offer),
      ['byPreemption', 'noRoom'],
    )
    assert.deepEqual(
      both.map(({ givingWay }) => givingWay),
      [['shop/low'], []],
    )
  })

  it('are looked at again wherever room is given back: by a pod that was never bound, was bound elsewhere, or was refused', () => {
    const annotations = { 'kosmos.io/room-at': 'kosmos-leaf2' }
    const { schedulingGates: _, ...spec } = gated('open', 8).spec
    const open = { ...gated('open', 8), metadata: { ...gated('open').metadata, annotations }, spec }
    const ways: Record<string, (state: PlacementState) => void> = {
      deleted: (state) => void state.deletePod('shop/open'),
      elsewhere: (state) => void state.setPod(bound(open, 'kosmos-leaf1')),
      refused: (state) => void state.withdraw('shop/open', gated('open', 8)),
      ended: (state) => void state.setPod({ ...open, status: { phase: 'Failed' } }),
    }
    for (const [how, give] of Object.entries(ways)) {
      const state = stateOf({ ...empty, namespaces: [bestFit()], nodes, pods: [open] })
      assert.deepEqual(state.vacancies.takeFreed(), [])
      give(state)
      assert.deepEqual([how, state.vacancies.takeFreed()], [how, ['kosmos-leaf2']])
      assert.deepEqual(state.vacancies.takeFreed(), [])
    }
  })

  it('still count a pod that has its place although a second answer about it was no', () => {
    const state = stateOf({ ...empty, namespaces: [bestFit()], nodes })
    const pod = gated('a', 8)
    state.commit(pod, state.decide(pod))
    // The first answer was lost, and was a yes.
    const placed = bound(pod, 'kosmos-leaf2')
    state.setPod(placed)
    state.withdraw('shop/a', placed)
    assert.equal(aimOf(state.decide(gated('b', 8))), 'noRoom')
  })

  it('are looked at again when a node comes back on which others can be preempted', () => {
    const worker = (ready: 'True' | 'False'): Node => ({
      metadata: { name: 'worker', uid: 'worker', resourceVersion: '1' },
      status: { allocatable: { cpu: '4', pods: '10' }, conditions: [{ type: 'Ready', status: ready }] },
    })
    const known = new Map([['worker', worker('False')]])
    const state = new PlacementState(known)
    state.bestFit.set(bestFit())
    state.vacancies.setNode(worker('False'), undefined)
    state.setPod(bound(gated('low', 3), 'worker'))
    const urgent = { ...gated('urgent', 3), spec: { ...gated('urgent', 3).spec, priority: 10 } }
    const patient = { ...urgent, spec: { ...urgent.spec, preemptionPolicy: 'Never' } }
    const decision = state.decide(urgent)
    assert.equal(aimOf(decision), 'noNode')
    known.set('worker', worker('True'))
    state.vacancies.setNode(worker('True'), worker('False'))
    assert.equal(state.roomWithinMs(urgent, decision, 'worker'), 0)
    assert.equal(state.roomWithinMs(patient, decision, 'worker'), undefined)
  })

  it('keep off a node whose leaf has refused one like it, for pods of the same namespace', () => {
    const state = stateOf({ ...empty, namespaces: [bestFit(), bestFit('other')], nodes: [leaf('leaf2', 2, 8)] })
    state.refuse(bound(gated('old', 8), 'kosmos-leaf2'), 'a taint')
    assert.equal(aimOf(state.decide(gated('p', 8))), 'refused')
    assert.equal(aimOf(state.decide(gated('small', 1))), 'kosmos-leaf2')
    const elsewhere = { ...gated('p', 8), metadata: { ...gated('p').metadata, namespace: 'other' } }
    assert.equal(aimOf(state.decide(elsewhere)), 'kosmos-leaf2')
  })

  describe("when the root's scheduler refuses a pod where it is kept", () => {
    const worker = (cpu: number): Node => ({
      metadata: { name: 'worker', uid: 'worker', resourceVersion: '1' },
      status: { allocatable: { cpu: `${cpu}`, pods: '10' }, conditions: [{ type: 'Ready', status: 'True' }] },
    })
    /** As it is when its gate is open. */
    const opened = (state: PlacementState, pod: Pod): Pod => {
      const decision = state.decide(pod)
      state.commit(pod, decision)
      if (decision.kind !== 'anyRoom') assert.fail(decision.kind)
      const { metadata, spec } = openPatch(pod, undefined, decision) as Pod
      const { schedulingGates: _, ...rest } = { ...pod.spec, ...spec }
      const open = { ...pod, metadata: { ...pod.metadata, annotations: metadata.annotations ?? {} }, spec: rest }
      state.setPod(open)
      return open
    }
    const world = (...nodes: Node[]) => stateOf({ ...empty, namespaces: [bestFit()], nodes })

    it('send its successor from the own nodes of the root to a leaf, if it may go there', () => {
      const state = world(worker(4), leaf('leaf1', 9, 4))
      const pod = opened(state, gated('p', 2))
      assert.equal(pod.metadata.annotations?.['kosmos.io/room-at'], 'worker')
      state.refuse(pod, 'no')
      assert.equal(state.successorOf(pod).offer, 'room')
      assert.equal(aimOf(state.decide(gated('next', 2))), 'kosmos-leaf1')
      const onOwn = { ...gated('q', 2), spec: { ...gated('q', 2).spec, nodeSelector: { disk: 'fast' } } }
      const fast = { ...worker(4), metadata: { ...worker(4).metadata, name: 'fast', labels: { disk: 'fast' } } }
      const other = world(fast, leaf('leaf1', 9, 4))
      const kept = opened(other, onOwn)
      other.refuse(kept, 'no')
      assert.equal(other.successorOf(kept).offer, 'refused')
    })

    it('give the room that it has not got to others, until it is bound', () => {
      const state = world(worker(4))
      const pod = opened(state, gated('p', 3))
      assert.equal(aimOf(state.decide(gated('small', 2))), 'noRoom')
      state.vacancies.giveBack(pod)
      assert.deepEqual(state.vacancies.takeFreed(), ['worker'])
      state.setPod(pod)
      assert.equal(aimOf(state.decide(gated('small', 2))), 'worker')
      state.setPod(bound(pod, 'worker'))
      assert.equal(aimOf(state.decide(gated('small', 2))), 'noRoom')
    })

    it('keep pods like it off that node, whoever has the choice among the others, and list it no more', () => {
      const state = world(worker(4), { ...worker(4), metadata: { ...worker(4).metadata, name: 'second' } })
      state.refuse(bound(gated('old', 2), 'worker'), 'no')
      const decision = state.decide(gated('p', 2))
      assert.deepEqual('aim' in decision && decision.aim?.avoid, ['worker'])
      assert.deepEqual(
        state.candidates(gated('p', 2)).map(({ node }) => node),
        ['second'],
      )
    })

    it('count its room again when others are preempted for it, and that of another pod of its name; never give away that of one that is bound', () => {
      const small = (state: PlacementState) => aimOf(state.decide(gated('small', 2)))
      const givenBack = () => {
        const state = world(worker(4))
        const pod = opened(state, gated('p', 3))
        state.vacancies.giveBack(pod)
        assert.equal(small(state), 'worker')
        return { state, pod }
      }
      const nominated = givenBack()
      nominated.state.setPod({ ...nominated.pod, status: { phase: 'Pending', nominatedNodeName: 'worker' } })
      assert.equal(small(nominated.state), 'noRoom')
      const anew = givenBack()
      anew.state.setPod({ ...anew.pod, metadata: { ...anew.pod.metadata, uid: 'another' } })
      assert.equal(small(anew.state), 'noRoom')
      const state = world(worker(4))
      const pod = bound(opened(state, gated('p', 3)), 'worker')
      state.setPod(pod)
      state.vacancies.giveBack(pod)
      assert.equal(small(state), 'noRoom')
    })

    it('send others like it there again when it is bound after all', () => {
      const state = world(worker(8))
      const pod = opened(state, gated('p', 3))
      state.refuse(pod, 'no')
      assert.equal(aimOf(state.decide(gated('like', 3))), 'refused')
      assert(state.accept(bound(pod, 'worker')))
      assert.deepEqual(state.vacancies.takeFreed(), ['worker'])
      assert.equal(aimOf(state.decide(gated('like', 3))), 'worker')
      assert(!state.accept(bound(pod, 'worker')), 'it is told once')
    })

    it('refuse no node that is full: it comes back with its room', () => {
      const state = world(worker(4), { ...worker(4), metadata: { ...worker(4).metadata, name: 'second' } })
      state.setPod(bound(gated('filler', 4), 'worker'))
      const pod = opened(state, gated('p', 3))
      assert.equal(pod.metadata.annotations?.['kosmos.io/room-at'], 'second')
      state.refuse(pod, 'no')
      state.deletePod('shop/filler')
      assert.equal(aimOf(state.decide(gated('next', 3))), 'worker')
    })
  })

  it('promise no machine twice, in whatever order pods of whatever size come', () => {
    const machines = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 4 })
    const setting = fc.record({
      leaves: fc.array(machines, { minLength: 1, maxLength: 3 }),
      requests: fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 20 }),
      habit: fc.constantFrom('fullest' as const, 'emptiest' as const),
    })
    fc.assert(
      fc.property(setting, ({ leaves, requests, habit }) => {
        const nodes = leaves.map((sizes, i) => {
          const shapes = sizes.map((cpu) => ({ nodes: 1, free: { cpu: `${cpu}`, pods: '100' } }))
          const one = leaf(`leaf${i}`, 1, 1)
          const annotations = { 'kosmos.io/free-shapes': JSON.stringify(shapes) }
          return { ...one, metadata: { ...one.metadata, annotations } }
        })
        const pods = requests.map((cpu, i) => gated(`p${i}`, cpu))
        const decisions = simulate({ ...empty, namespaces: [bestFit()], nodes }, pods)
        // Each leaf's own scheduler puts what comes into its emptiest machine, or its fullest: all of it has room.
        const left = leaves.map((sizes) => [...sizes])
        for (const [i, decision] of decisions.entries()) {
          if (decision.kind !== 'anyRoom' || !decision.aim) continue
          const sizes = left[nodes.findIndex(({ metadata }) => metadata.name === decision.aim?.node)] ?? []
          const cpu = requests[i] ?? 0
          const roomy = sizes.filter((free) => free >= cpu)
          assert(roomy.length > 0, `pod ${i} of ${cpu} has no room in ${sizes}`)
          const chosen = sizes.indexOf(habit === 'fullest' ? Math.min(...roomy) : Math.max(...roomy))
          sizes[chosen] = (sizes[chosen] ?? 0) - cpu
        }
      }),
    )
  })
})

describe('the decisions about pods that a policy lets go anywhere', () => {
  const one = policyLike({ allocationPolicy: [{ name: 'leaf1', replicas: 1 }], labelSelector: {} })

  it('send them where there is room, and keep them waiting where there is none', () => {
    const nodes = [leaf('leaf1', 2, 4), leaf('leaf2', 1, 4)]
    const pods = names.slice(0, 4).map((name) => gated(name, 3))
    const decisions = simulate({ ...empty, policies: [one], nodes }, pods)
    const places = decisions.map((decision) =>
      'aim' in decision ? (decision.aim?.node ?? decision.offer) : decision.kind,
    )
    assert.deepEqual(places, ['kosmos-leaf1', 'kosmos-leaf1', 'kosmos-leaf2', 'noRoom'])
    assert.deepEqual(
      decisions.map(({ kind }) => kind),
      ['seat', 'anyRoom', 'anyRoom', 'anyRoom'],
    )
  })

  it('keep a place of the policy for those that find room neither there nor anywhere', () => {
    const decisions = simulate({ ...empty, policies: [one], nodes: [leaf('leaf1', 1, 2)] }, [gated('p', 3)])
    assert.deepEqual(
      decisions.map((decision) => [decision.kind, 'offer' in decision && decision.offer]),
      [['seat', 'noRoom']],
    )
  })

  it('keep them off where an allocation has a max, whoever has the choice: nowhere are more pods than that at any instant', () => {
    const allocation = fc.oneof(
      fc.record({ weight: fc.integer({ min: 1, max: 3 }), max: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ weight: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ replicas: fc.integer({ min: 0, max: 2 }) }),
    )
    const setting = fc.record({
      allocations: fc.array(allocation, { minLength: 1, maxLength: 4 }),
      machines: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }),
      whenUnavailable: fc.constantFrom('Spill' as const, 'Wait' as const),
      isChoosy: fc.boolean(),
      hasOwn: fc.boolean(),
      pods: fc.integer({ min: 1, max: 12 }),
    })
    fc.assert(
      fc.property(setting, ({ allocations, machines, whenUnavailable, isChoosy, hasOwn, pods }) => {
        const own: Node = {
          metadata: { name: 'worker', uid: 'worker', resourceVersion: '1', labels: { [clusterLabel]: 'c0' } },
          status: { allocatable: { cpu: '2', pods: '9' }, conditions: [{ type: 'Ready', status: 'True' }] },
        }
        const nodes = [...machines.map((n, i) => leaf(`c${i}`, n, 1)), ...(hasOwn ? [own] : [])]
        const allocationPolicy = allocations.map((one, i) => ({ name: `c${i}`, ...one }))
        const preferred = policyLike({ allocationPolicy, labelSelector: {}, whenUnavailable })
        const ports = isChoosy ? { ports: [{ containerPort: 80, hostPort: 80 }] } : {}
        const wanted = Array.from({ length: pods }, (_, i) => {
          const pod = gated(`p${i}`)
          return { ...pod, spec: { ...pod.spec, containers: pod.spec.containers.map((one) => ({ ...one, ...ports })) } }
        })
        const decisions = simulate({ ...empty, policies: [preferred], nodes }, wanted)
        const seats = count(decisions.flatMap((one) => (one.kind === 'seat' && one.aim ? [one.value] : [])))
        for (const { name, ...rest } of allocationPolicy) {
          if (!('max' in rest)) continue
          assert((seats[name] ?? 0) <= rest.max, `${name} has ${seats[name]} of ${rest.max}`)
          for (const [i, decision] of decisions.entries()) {
            if (decision.kind !== 'anyRoom' || !decision.aim) continue
            const pod = wanted[i] ?? assert.fail()
            const { affinity } = (openPatch(pod, decision.policy, decision) as Pod).spec
            const allowed = new NodeAffinity({ ...pod.spec, ...(affinity && { affinity }) })
            const there = nodes.filter((node) => node.metadata.labels?.[clusterLabel] === name && allowed.allows(node))
            assert.deepEqual(there, [], `a pod beyond all allocations may go to ${name}`)
          }
        }
      }),
    )
  })
})

describe('the decisions of the scheduler', () => {
  it('let a pod wait for its turn again when its place has left the policy before the API server answered', () => {
    const full = policyLike({
      allocationPolicy: [{ name: 'leaf2', replicas: 1 }],
      allocationType: 'Required',
      labelSelector: {},
    })
    const state = stateOf({ ...empty, policies: [required], nodes: [leaf('leaf1', 9, 4), leaf('leaf2', 9, 4)] })
    const [first, second] = [gated('p0'), gated('p1')]
    for (const pod of [first, second]) {
      state.setPod(pod)
      state.commit(pod, state.decide(pod))
    }
    state.setPolicy({ ...full, metadata: { ...full.metadata, generation: 2 } })
    state.ledger.forget('shop/web')
    for (const pod of [first, second]) state.setPod(pod)
    assert.equal(state.decide(first).kind, 'wait')
    const [group] = state.ledger.groupsOf('shop/web')
    assert.deepEqual([group?.taken, group?.waiting, group?.elsewhere], [[1], 1, 0])
    assert.deepEqual(state.deletePod('shop/p1'), [{ policy: 'shop/web', next: ['shop/p0'] }])
    // Nor does it keep the room that it was to have.
    state.commit(first, { ...state.decide(second), kind: 'wait' } as Decision)
    assert.deepEqual(state.vacancies.takeFreed().sort(), ['kosmos-leaf1', 'kosmos-leaf2'])
  })

  it('promise no machine twice: of pods that need one each, as many are let go as there are machines', () => {
    const world = {
      distributions: [],
      namespaces: [],
      policies: [required],
      nodes: [leaf('leaf1', 2, 4), leaf('leaf2', 3, 4)],
      pods: [],
    }
    const state = stateOf(world)
    for (const name of names) state.setPod(gated(name, 3))
    assert.deepEqual(count(names.map((name) => settle(state, gated(name, 3)))), { leaf1: 2, leaf2: 3, noRoom: 1 })
  })

  it('give a kept place to its pod when there is room', () => {
    const world = {
      distributions: [],
      namespaces: [],
      policies: [required],
      nodes: [leaf('leaf1', 1, 4), leaf('leaf2', 9, 4)],
      pods: [],
    }
    const state = stateOf(world)
    for (const name of names.slice(0, 4)) state.setPod(gated(name, 3))
    assert.deepEqual(
      names.slice(0, 4).map((name) => settle(state, gated(name, 3))),
      ['leaf1', 'leaf2', 'noRoom', 'leaf2'],
    )
    state.vacancies.setNode(leaf('leaf1', 2, 4), leaf('leaf1', 1, 4))
    assert.equal(settle(state, gated('p2', 3)), 'leaf1')
  })

  it('go elsewhere where the policy prefers, and to the next place that has room', () => {
    const spread = policyLike({ allocationPolicy, labelSelector: {} })
    const world = {
      distributions: [],
      namespaces: [],
      policies: [spread],
      nodes: [leaf('leaf1', 1, 4), leaf('leaf2', 9, 4)],
      pods: [],
    }
    const pods = names.map((name) => gated(name, 3))
    const kinds = simulate(world, pods).map((decision) => (decision.kind === 'seat' ? decision.value : decision.kind))
    assert.deepEqual(count(kinds), { leaf1: 1, leaf2: 3, anyRoom: 2 })
  })

  it('are the same simulated and carried out', () => {
    const share = fc.record({ weight: fc.integer({ min: 1, max: 5 }), max: fc.integer({ min: 0, max: 5 }) })
    const machines = fc.record({ machines: fc.nat(4), cpu: fc.integer({ min: 1, max: 4 }) })
    const setting = fc.record({
      shares: fc.tuple(share, share),
      leaves: fc.tuple(machines, machines),
      allocationType: fc.constantFrom('Required' as const, 'Preferred' as const),
      whenUnavailable: fc.constantFrom('Spill' as const, 'Wait' as const),
      requests: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 12 }),
    })
    fc.assert(
      fc.property(setting, ({ shares, leaves, allocationType, whenUnavailable, requests }) => {
        const allocations = shares.map((one, i) => ({ name: `leaf${i + 1}`, ...one }))
        const policy = policyLike({ allocationPolicy: allocations, allocationType, whenUnavailable, labelSelector: {} })
        const nodes = leaves.map(({ machines: n, cpu }, i) => leaf(`leaf${i + 1}`, n, cpu))
        const pods = requests.map((cpu, i) => gated(`p${i}`, cpu))
        const world = { distributions: [], namespaces: [], policies: [policy], nodes, pods: [] }
        const state = stateOf(world)
        for (const pod of pods) state.setPod(pod)
        const done = pods.map((pod) => settle(state, pod))
        const simulated = simulate(world, pods).map((decision) =>
          decision.kind !== 'seat' ? decision.kind : decision.offer === 'room' ? decision.value : decision.offer,
        )
        assert.deepEqual(simulated, done)
        for (const { name, max } of allocations) assert((count(done)[name] ?? 0) <= max)
      }),
    )
  })

  it('are looked at again, wherever they wait for room, when another place has a seat again', () => {
    const node = (name: string, cluster: string, cpu: number): Node => ({
      metadata: { name, uid: name, resourceVersion: '1', labels: { [clusterLabel]: cluster } },
      status: { conditions: [{ type: 'Ready', status: 'True' }], allocatable: { cpu: `${cpu}`, pods: '9' } },
    })
    const policy = (whenUnavailable: 'Spill' | 'Wait') =>
      policyLike({
        allocationPolicy: ['leaf1', 'leaf2'].map((name) => ({ name, replicas: 1 })),
        allocationType: 'Required',
        labelSelector: {},
        whenUnavailable,
      })
    const next = (whenUnavailable: 'Spill' | 'Wait') => {
      const nodes = [node('large', 'leaf1', 3), node('small', 'leaf1', 1), node('other', 'leaf2', 1)]
      const policies = [policy(whenUnavailable)]
      const state = stateOf({ distributions: [], namespaces: [], policies, nodes, pods: [gated('first')] })
      assert.equal(settle(state, gated('first')), 'leaf1')
      state.setPod(gated('second', 3))
      assert.equal(settle(state, gated('second', 3)), 'noRoom')
      // The room that it had is too small, but it had the place in front of the large node as well.
      return state.deletePod('shop/first').flatMap((change) => change.next)
    }
    assert.deepEqual(next('Spill'), ['shop/second'])
    // It has its place, and waits for that.
    assert.deepEqual(next('Wait'), [])
  })

  it('end at the allotment when there is room for all, whatever the order in which pods came and went', () => {
    const policy = policyLike({
      allocationPolicy: [
        { name: 'leaf1', weight: 3 },
        { name: 'leaf2', weight: 2 },
      ],
      labelSelector: {},
    })
    const change = fc.record({ pod: fc.nat(14), isDeleted: fc.boolean() })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const state = stateOf({
          distributions: [],
          namespaces: [],
          policies: [policy],
          nodes: [leaf('leaf1', 99, 9), leaf('leaf2', 99, 9)],
          pods: [],
        })
        const alive = new Set<string>()
        for (const { pod, isDeleted } of changes) {
          const name = `p${pod}`
          if (isDeleted) {
            alive.delete(name)
            state.deletePod(`shop/${name}`)
          } else if (!alive.has(name)) {
            alive.add(name)
            state.setPod(gated(name))
            settle(state, gated(name))
          }
        }
        // Deletions leave holes that only later pods fill: as many as could be needed.
        for (let i = 0; i < 30; i++) {
          alive.add(`later${i}`)
          state.setPod(gated(`later${i}`))
          settle(state, gated(`later${i}`))
        }
        const [group] = state.ledger.groupsOf('shop/web')
        const { shares, method } = state.policies.get('shop/web')?.compiled ?? assert.fail()
        assert.deepEqual(group?.taken, allot(shares, method, alive.size))
      }),
    )
  })
})
