import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clusterLabel } from '@kosmos/api'
import type { Node, Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { podLike, policyLike } from '../pods.fixture.ts'
import { allot } from '../seats/seats.ts'
import { simulate, stateOf } from '../simulation.ts'
import type { PlacementState } from './state.ts'

const leaf = (cluster: string, machines: number, cpu: number): Node => ({
  metadata: {
    name: `kosmos-${cluster}`,
    uid: `uid-of-${cluster}`,
    resourceVersion: '1',
    labels: { [clusterLabel]: cluster },
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

describe('the decisions of the scheduler', () => {
  it('promise no machine twice: of pods that need one each, as many are let go as there are machines', () => {
    const world = {
      distributions: [],
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
    state.setNode(leaf('leaf1', 2, 4), leaf('leaf1', 1, 4))
    assert.equal(settle(state, gated('p2', 3)), 'leaf1')
  })

  it('go elsewhere where the policy prefers, and to the next place that has room', () => {
    const spread = policyLike({ allocationPolicy, labelSelector: {} })
    const world = { distributions: [], policies: [spread], nodes: [leaf('leaf1', 1, 4), leaf('leaf2', 9, 4)], pods: [] }
    const pods = names.map((name) => gated(name, 3))
    const kinds = simulate(world, pods).map((decision) => (decision.kind === 'seat' ? decision.value : decision.kind))
    assert.deepEqual(count(kinds), { leaf1: 1, leaf2: 3, anywhere: 2 })
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
        const world = { distributions: [], policies: [policy], nodes, pods: [] }
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
