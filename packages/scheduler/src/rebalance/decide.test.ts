import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clusterLabel, nodeLabel } from '@kosmos/api'
import { keyOf, type Node, type Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { openPatch, seatPatch } from '../placement/patch.ts'
import { PlacementState } from '../placement/state.ts'
import { type PodParts, podLike, policyLike } from '../pods.fixture.ts'

type PolicySpec = Parameters<typeof policyLike>[0]

const leaf = (name: string, isAway: boolean, machines = 99): Node => ({
  metadata: {
    name: `kosmos-${name}`,
    uid: `uid-of-${name}`,
    resourceVersion: '1',
    labels: { [clusterLabel]: name, [nodeLabel]: 'true' },
    annotations: { 'kosmos.io/free-shapes': `[{"nodes":${machines},"free":{"cpu":"1","pods":"1"}}]` },
  },
  status: { conditions: [{ type: 'Ready', status: isAway ? 'Unknown' : 'True' }] },
})

/** A workload whose pods are made anew when they are evicted. */
class Workload {
  readonly state: PlacementState
  readonly policyKey = 'shop/web'
  readonly pods = new Map<string, Pod>()
  readonly #nodes = new Map<string, Node>()
  readonly #parts: PodParts
  #created = 0

  constructor(spec: PolicySpec, leaves: readonly Node[], parts: PodParts = {}) {
    this.state = new PlacementState(this.#nodes)
    this.state.setPolicy(policyLike({ labelSelector: {}, ...spec }))
    this.#parts = parts
    for (const node of leaves) this.setNode(node)
  }

  setNode(node: Node): void {
    const old = this.#nodes.get(node.metadata.name)
    this.#nodes.set(node.metadata.name, node)
    this.state.vacancies.setNode(node, old)
  }

  create(): void {
    const requests = { cpu: '1' }
    const spec = {
      ...this.#parts.spec,
      containers: [{ name: 'main', resources: { requests } }],
      schedulingGates: [{ name: 'kosmos.io/placement' }],
    }
    const owner = { kind: 'ReplicaSet', name: 'web-1' }
    const pod = podLike({ owner, ...this.#parts, name: `p${this.#created++}`, spec })
    this.state.setPod(pod)
    const decision = this.state.decide(pod)
    this.state.commit(pod, decision)
    if (!('aim' in decision) || decision.aim === undefined) return void this.pods.set(keyOf(pod), pod)
    const patch =
      decision.kind === 'seat'
        ? seatPatch(pod, decision.policy, decision.seat, decision)
        : openPatch(pod, decision.policy, decision)
    const { metadata, spec: sent } = patch as Pod
    const { schedulingGates: _, ...open } = { ...pod.spec, ...sent }
    this.#store({
      ...pod,
      metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...metadata.annotations } },
      spec: { ...open, nodeName: decision.aim.node },
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
    })
  }

  unready(pod: Pod): void {
    this.#store({ ...pod, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] } })
  }

  evict(pod: Pod): void {
    this.pods.delete(keyOf(pod))
    this.state.deletePod(keyOf(pod))
    this.create()
  }

  next() {
    const { compiled } = this.state.policies.get(this.policyKey) ?? assert.fail()
    return this.state.rebalance(compiled, (key) => this.pods.get(key))
  }

  get counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { spec } of this.pods.values()) {
      const at = spec.nodeName?.replace('kosmos-', '') ?? 'waiting'
      counts[at] = (counts[at] ?? 0) + 1
    }
    return counts
  }

  #store(pod: Pod): void {
    this.pods.set(keyOf(pod), pod)
    this.state.setPod(pod)
  }
}

const required = (one: object) => ({
  requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [one] }] },
})
const allocationPolicy = [
  { name: 'leaf1', weight: 1 },
  { name: 'leaf2', weight: 1 },
]
const rebalance = { maxUnavailable: 1, afterSeconds: 0 }
const away = [leaf('leaf1', false), leaf('leaf2', true)]
const spilled = (spec: Partial<PolicySpec> = {}, parts: PodParts = {}) => {
  const workload = new Workload({ allocationPolicy, rebalance, ...spec }, away, parts)
  for (let i = 0; i < 6; i++) workload.create()
  assert.deepEqual(workload.counts, { leaf1: 6 })
  return workload
}

describe('a workload whose cluster has returned', () => {
  it('gets its pods back there, one after the other, those of the last seats first, and then is left alone', () => {
    const workload = spilled()
    assert.deepEqual(workload.next(), { kind: 'none', why: 'stuck' })
    workload.setNode(leaf('leaf2', false))
    const moved: string[] = []
    for (let step = workload.next(); step.kind === 'evict'; step = workload.next()) {
      assert.equal(step.value, 'leaf2')
      moved.push(step.pod.metadata.name)
      workload.evict(step.pod)
    }
    assert.deepEqual(moved, ['p5', 'p4', 'p3'])
    assert.deepEqual(workload.counts, { leaf1: 3, leaf2: 3 })
    assert.deepEqual(workload.next(), { kind: 'none', why: 'even' })
  })

  it('is left alone without the field, and while pods of it wait or are not Ready', () => {
    const { rebalance: _, ...plain } = { allocationPolicy, rebalance }
    const unasked = new Workload(plain, away)
    for (let i = 0; i < 6; i++) unasked.create()
    unasked.setNode(leaf('leaf2', false))
    assert.deepEqual(unasked.next(), { kind: 'none', why: 'off' })

    const workload = spilled({ rebalance: { maxUnavailable: 2, afterSeconds: 0 } })
    workload.setNode(leaf('leaf2', false))
    const [a, b] = [...workload.pods.values()]
    assert(a && b)
    workload.unready(a)
    assert.equal(workload.next().kind, 'evict')
    workload.unready(b)
    assert.deepEqual(workload.next(), { kind: 'none', why: 'settling' })
  })

  it('loses none for whom there is no room there', () => {
    const workload = spilled()
    workload.setNode(leaf('leaf2', false, 0))
    assert.deepEqual(workload.next(), { kind: 'none', why: 'stuck' })
    workload.setNode(leaf('leaf2', false, 1))
    const step = workload.next()
    assert(step.kind === 'evict')
    workload.evict(step.pod)
    assert.deepEqual(workload.counts, { leaf1: 5, leaf2: 1 })
    assert.deepEqual(workload.next(), { kind: 'none', why: 'stuck' })
  })

  const kept: Record<string, PodParts> = {
    'a Job, which would count it as a failure': { owner: { kind: 'Job', name: 'report' } },
    'a volume, which stays where it is': {
      spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
    },
  }
  for (const [what, parts] of Object.entries(kept)) {
    it(`loses none with ${what}`, () => {
      const workload = spilled({}, parts)
      workload.setNode(leaf('leaf2', false))
      assert.deepEqual(workload.next(), { kind: 'none', why: 'stuck' })
    })
  }

  it('loses none that asks by itself to be where it is, since its successor would ask the same', () => {
    const asking = { spec: { nodeSelector: { [clusterLabel]: 'leaf1' } } }
    const workload = new Workload({ allocationPolicy, rebalance }, [leaf('leaf1', false), leaf('leaf2', false)], asking)
    for (let i = 0; i < 4; i++) workload.create()
    assert.deepEqual(workload.counts, { leaf1: 4 })
    assert.deepEqual(workload.next(), { kind: 'none', why: 'stuck' })
  })

  it('gets back what went anywhere, before what has a share', () => {
    const counts = [
      { name: 'leaf1', replicas: 2 },
      { name: 'leaf2', replicas: 2 },
    ]
    const workload = new Workload({ allocationPolicy: counts, rebalance }, [
      leaf('leaf1', false, 2),
      leaf('leaf2', true),
      leaf('leaf3', false),
    ])
    for (let i = 0; i < 4; i++) workload.create()
    assert.deepEqual(workload.counts, { leaf1: 2, leaf3: 2 })
    workload.setNode(leaf('leaf2', false))
    for (let step = workload.next(); step.kind === 'evict'; step = workload.next()) workload.evict(step.pod)
    assert.deepEqual(workload.counts, { leaf1: 2, leaf2: 2 })
  })

  it('gets those back that are beyond its maxima, although they were kept off there', () => {
    const bounded = allocationPolicy.map((one) => ({ ...one, max: 2 }))
    const own = { nodeAffinity: required({ key: 'kosmos.io/cluster', operator: 'NotIn', values: ['leaf1'] }) }
    for (const affinity of [undefined, own]) {
      const spec = { ...(affinity && { affinity }) } as PodParts['spec'] & object
      const workload = new Workload({ allocationPolicy: bounded, rebalance }, [...away, leaf('leaf3', false)], { spec })
      for (let i = 0; i < 4; i++) workload.create()
      assert.deepEqual(workload.counts, affinity ? { leaf3: 4 } : { leaf1: 2, leaf3: 2 })
      workload.setNode(leaf('leaf2', false))
      for (let step = workload.next(); step.kind === 'evict'; step = workload.next()) workload.evict(step.pod)
      assert.deepEqual(workload.counts, affinity ? { leaf2: 2, leaf3: 2 } : { leaf1: 2, leaf2: 2 })
    }
  })

  it('ends evenly after as many moves as pods are elsewhere, never above a maximum, wherever the pods are', () => {
    const share = fc.record({ weight: fc.integer({ min: 1, max: 3 }), max: fc.integer({ min: 2, max: 9 }) })
    const setting = fc.record({
      shares: fc.array(share, { minLength: 2, maxLength: 3 }),
      pods: fc.nat(9),
      isAway: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
      machines: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 3, maxLength: 3 }),
    })
    fc.assert(
      fc.property(setting, ({ shares, pods, isAway, machines }) => {
        const allocations = shares.map((one, i) => ({ name: `leaf${i}`, ...one }))
        const nodes = (away: readonly boolean[]) =>
          shares.map((_, i) => leaf(`leaf${i}`, away[i] ?? false, machines[i]))
        const spec = {
          allocationPolicy: allocations,
          rebalance,
          allocationType: 'Required',
          whenUnavailable: 'Spill',
        } as const
        const workload = new Workload(spec, nodes(isAway))
        for (let i = 0; i < pods; i++) workload.create()
        for (const node of nodes([])) workload.setNode(node)
        let moves = 0
        for (let step = workload.next(); step.kind === 'evict'; step = workload.next()) {
          workload.evict(step.pod)
          assert.equal(workload.counts.waiting ?? 0, 0, 'the successor has its place at once')
          for (const { name, max } of allocations) assert((workload.counts[name] ?? 0) <= max)
          assert(++moves <= pods, 'no pod goes back and forth')
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
