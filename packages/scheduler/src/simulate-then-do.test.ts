import assert from 'node:assert/strict'
import { after, before, describe, it, mock } from 'node:test'
import { keyOf, type Node, NodeAffinity, type ObjectKey, type Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { slimNode } from './nodes/slim-node.ts'
import { openPatch, seatPatch } from './placement/patch.ts'
import { slimPod } from './placement/slim-pod.ts'
import { type Decision, PlacementState } from './placement/state.ts'
import { isBefore, turnOf } from './reservations/turn.ts'
import { simulate, type World } from './simulation.ts'
import { type Situation, situations } from './situations.fixture.ts'

const gate = 'kosmos.io/placement'
const gated = (pod: Pod): Pod => ({ ...pod, spec: { ...pod.spec, schedulingGates: [{ name: gate }] } })

const LONG_AGO = Date.parse('2026-01-01T00:00:00Z')
const NOW = LONG_AGO + 90_000

/** What becomes of a pod, as far as it can be told from another of its workload. */
function summaryOf(decision: Decision): string {
  const { kind, policy } = decision
  const value = kind === 'seat' ? decision.value : undefined
  const aim = kind === 'seat' || kind === 'anyRoom' ? [decision.offer, decision.aim?.node] : []
  return JSON.stringify([kind, policy?.name, value, ...aim])
}

interface Patch {
  readonly metadata: { readonly annotations?: Record<string, string> }
  readonly spec: Partial<Pod['spec']>
}

/** The parts of a strategic merge that our patches use. */
function merged(pod: Pod, { metadata, spec }: Patch): Pod {
  const { schedulingGates: _, ...rest } = pod.spec
  const { nodeSelector, affinity, tolerations } = spec
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...metadata.annotations } },
    spec: {
      ...rest,
      ...(nodeSelector && { nodeSelector: { ...rest.nodeSelector, ...nodeSelector } }),
      ...(affinity && { affinity: { ...rest.affinity, ...affinity } }),
      ...(tolerations && { tolerations }),
    },
  }
}

/** A scheduler that hears of everything as it comes, and kube-scheduler behind it, which binds pods to where they have their room. */
class Live {
  readonly decisions = new Map<ObjectKey, string>()
  readonly #state: PlacementState
  readonly #nodes: ReadonlyMap<string, Node>
  /** As the API server holds them. */
  readonly #pods = new Map<ObjectKey, Pod>()

  constructor({ policies, distributions, namespaces, nodes, pods }: World) {
    this.#nodes = new Map(nodes.map((node) => [node.metadata.name, slimNode(node)]))
    let now = LONG_AGO
    this.#state = new PlacementState(this.#nodes, () => now)
    for (const distribution of distributions) this.#state.distributions.set(distribution)
    for (const namespace of namespaces) this.#state.bestFit.set(namespace)
    for (const policy of policies) this.#state.setPolicy(policy)
    for (const node of this.#nodes.values()) this.#state.vacancies.setNode(node, undefined)
    for (const pod of pods) this.tell(pod)
    now = NOW
    this.decideAll()
  }

  tell(pod: Pod): void {
    this.#pods.set(keyOf(pod), pod)
    this.#state.setPod(slimPod(pod))
  }

  /** Decides about one that waits, and asks for it; it is told of later. */
  decide(key: ObjectKey): void {
    const pod = this.#pods.get(key)
    if (!pod?.spec.schedulingGates) return
    const slim = slimPod(pod)
    const decision = this.#state.decide(slim)
    this.#state.commit(slim, decision)
    this.decisions.set(key, summaryOf(decision))
    if (decision.kind === 'wait' || (decision.kind !== 'anywhere' && decision.aim === undefined)) return
    const patch =
      decision.kind === 'seat'
        ? seatPatch(slim, decision.policy, decision.seat, decision)
        : openPatch(slim, decision.policy, decision)
    this.#pods.set(key, merged(pod, patch as Patch))
  }

  /** Tells of a pod as it is now. */
  show(key: ObjectKey): void {
    const pod = this.#pods.get(key)
    if (pod) this.tell(pod)
  }

  /** kube-scheduler binds one whose gate is open. */
  bind(key: ObjectKey): void {
    const pod = this.#pods.get(key)
    const node = pod && this.#nodes.get(pod.metadata.annotations?.['kosmos.io/room-at'] ?? '')
    if (pod === undefined || node === undefined || pod.spec.nodeName || pod.spec.schedulingGates) return
    assert(
      new NodeAffinity(pod.spec).allows(node),
      `${key} is not let go where it has room: ${JSON.stringify(pod.spec)}`,
    )
    this.tell({ ...pod, spec: { ...pod.spec, nodeName: node.metadata.name }, status: { phase: 'Pending' } })
  }

  /** In the order of their turns. */
  decideAll(): void {
    const waiting = [...this.#pods.values()].filter(({ spec }) => spec.schedulingGates)
    waiting.sort((a, b) => (isBefore(turnOf(slimPod(a)), turnOf(slimPod(b))) ? -1 : 1))
    for (const pod of waiting) this.decide(keyOf(pod))
    for (const key of this.#pods.keys()) this.show(key)
  }
}

/** Creates the pods, and does what happens to each in some order: `steps` says whose turn it is next. */
function doIt({ world, created }: Situation, steps: readonly number[]): string[] {
  const live = new Live(world)
  const ahead = created.map((pod) => [
    () => live.tell(gated(pod)),
    () => live.decide(keyOf(pod)),
    () => live.show(keyOf(pod)),
    () => live.bind(keyOf(pod)),
  ])
  for (let i = 0; ahead.some((one) => one.length > 0); i++) {
    const open = ahead.filter((one) => one.length > 0)
    open[(steps[i % steps.length] ?? 0) % open.length]?.shift()?.()
  }
  // Whoever waits is looked at again.
  live.decideAll()
  return created.map((pod) => live.decisions.get(keyOf(pod)) ?? 'nothing').sort()
}

describe('what is simulated, and then done on a quiet cluster', () => {
  before(() => mock.timers.enable({ apis: ['Date'], now: NOW }))
  after(() => mock.timers.reset())

  it('is the same, whatever policies, nodes and pods there are, and however decisions and what becomes of them overtake each other', () => {
    const seen = new Set<string>()
    const property = fc.property(
      situations,
      fc.array(fc.nat(20), { minLength: 1, maxLength: 30 }),
      (situation, steps) => {
        const decisions = simulate(situation.world, situation.created)
        const foreseen = decisions.map(summaryOf).sort()
        for (const one of decisions) seen.add('offer' in one ? `${one.kind} ${one.offer}` : one.kind)
        assert.deepEqual(doIt(situation, steps), foreseen)
      },
    )
    fc.assert(property, { numRuns: 500 })
    for (const kind of ['seat', 'anyRoom']) {
      for (const offer of ['room', 'noRoom', 'noNode']) assert(seen.has(`${kind} ${offer}`), `${kind} ${offer}`)
    }
    assert(seen.has('wait') && seen.has('anywhere'))
  })
})
