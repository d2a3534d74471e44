import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clusterLabel, nodeLabel } from '@kosmos/api'
import { type Node, NodeAffinity, type Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { seatPatch } from '../placement/patch.ts'
import { PlacementState } from '../placement/state.ts'
import { podLike, policyLike } from '../pods.fixture.ts'
import { takeBack } from './decide.ts'

const MINUTE = 60_000

interface Leaf {
  readonly nodes: number
  /** Whether a node is found there for the pod, whatever is said of its room, or whose scheduler finds none. */
  readonly takes: boolean | 'notByRoot'
}

const nodesOf = ({ nodes }: Leaf, i: number): Node[] =>
  Array.from({ length: nodes }, (_, n) => ({
    metadata: {
      name: `kosmos-${i}-${n}`,
      uid: `uid-of-${i}-${n}`,
      resourceVersion: '1',
      labels: { [clusterLabel]: `leaf${i}`, [nodeLabel]: 'true' },
      annotations: { 'kosmos.io/free-shapes': '[{"nodes":2,"free":{"cpu":"4","pods":"9"}}]' },
    },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  }))

/** One pod and its successors for a day, with leaves that take it or leave it Pending for half a minute. */
class Day {
  now = 0
  readonly state: PlacementState
  readonly nodes: readonly Node[]
  /** When it was sent to which node. */
  readonly sent: { readonly node: string; readonly at: number }[] = []
  readonly #takes: ReadonlyMap<string, Leaf['takes']>
  #pods = 0

  constructor(leaves: readonly Leaf[], whenUnavailable: 'Spill' | 'Wait') {
    this.nodes = leaves.flatMap(nodesOf)
    this.#takes = new Map(leaves.flatMap((leaf, i) => nodesOf(leaf, i).map((node) => [node.metadata.name, leaf.takes])))
    this.state = new PlacementState(new Map(this.nodes.map((node) => [node.metadata.name, node])), () => this.now)
    const allocationPolicy = leaves.map((_, i) => ({ name: `leaf${i}`, weight: 1 }))
    const spec = { allocationPolicy, labelSelector: {}, allocationType: 'Required', whenUnavailable } as const
    this.state.setPolicy(policyLike(spec))
    for (const node of this.nodes) this.state.vacancies.setNode(node, undefined)
  }

  /** Where the pod runs in the end; undefined: nowhere within the day. */
  run(): string | undefined {
    let pod = this.#create()
    while (this.now < 24 * 60 * MINUTE) {
      const decision = this.state.decide(pod)
      this.state.commit(pod, decision)
      if (decision.kind !== 'seat' || decision.offer !== 'room') {
        const waitMs = this.state.roomWithinMs(pod, decision)
        assert(waitMs !== undefined, 'somebody has to look again')
        this.now += waitMs
        continue
      }
      const { spec, metadata } = seatPatch(pod, decision.policy, decision.seat, decision) as Pod
      const allowed = this.nodes.filter((node) => new NodeAffinity({ ...pod.spec, ...spec }).allows(node))
      const node = allowed[0]?.metadata.name ?? assert.fail('no node is left by what was sent')
      this.sent.push({ node, at: this.now })
      const { schedulingGates: _, ...ungated } = { ...pod.spec, ...spec }
      const takes = this.#takes.get(node)
      const { annotations = {} } = metadata
      const open = { ...pod, metadata: { ...pod.metadata, annotations }, spec: ungated, status: { phase: 'Pending' } }
      const placed = takes === 'notByRoot' ? open : { ...open, spec: { ...ungated, nodeName: node } }
      this.state.setPod(placed)
      if (takes === true) return node
      if (!this.#becomesFree(placed)) return undefined
      this.state.deletePod(`shop/${pod.metadata.name}`)
      pod = this.#create()
    }
    return undefined
  }

  /** Whether it is evicted within the day. */
  #becomesFree(pod: Pod): boolean {
    const by = pod.spec.nodeName ? 'leaf' : 'root'
    this.now += 30_000
    while (this.now < 24 * 60 * MINUTE) {
      this.state.refuse(pod, 'no')
      if (by === 'root') this.state.vacancies.giveBack(pod)
      const action = takeBack(pod, { by }, undefined, () => this.state.successorOf(pod))
      if (action === 'evict') return true
      const waitMs = this.state.successorWithinMs(pod)
      if (waitMs === undefined) return false
      this.now += waitMs
    }
    return false
  }

  #create(): Pod {
    const containers = [{ name: 'main', resources: { requests: { cpu: '1' } } }]
    const spec = { containers, schedulingGates: [{ name: 'kosmos.io/placement' }] }
    const pod = podLike({ name: `p${this.#pods++}`, spec, owner: { kind: 'ReplicaSet', name: 'web-1' } })
    this.state.setPod(pod)
    return pod
  }
}

const leaves = (takes: fc.Arbitrary<Leaf['takes']>) =>
  fc.array(fc.record({ nodes: fc.integer({ min: 1, max: 2 }), takes }), { minLength: 1, maxLength: 4 })

describe('a pod that is taken back', () => {
  it('goes in no circle among leaves that all refuse it: each is tried again after twice as long', () => {
    fc.assert(
      fc.property(
        leaves(fc.constantFrom(false, 'notByRoot' as const)),
        fc.constantFrom('Spill' as const, 'Wait' as const),
        (all, when) => {
          const day = new Day(all, when)
          assert.equal(day.run(), undefined)
          for (const { metadata } of day.nodes) {
            const times = day.sent.filter(({ node }) => node === metadata.name).map(({ at }) => at)
            // 1 + 2 + 4 + … + 64 minutes are two hours, and every hour once from then on.
            assert(times.length <= 7 + 22, `${times.length} times`)
            for (let i = 1; i < times.length; i++) {
              const pause = Math.min(2 ** (i - 1), 64) * MINUTE
              assert((times[i] ?? 0) - (times[i - 1] ?? 0) >= pause + 30_000)
            }
          }
        },
      ),
    )
  })

  it('ends in a leaf that takes it, if it may go elsewhere, before any other was tried four times', () => {
    fc.assert(
      fc.property(leaves(fc.constantFrom(true, false, 'notByRoot' as const)), (all) => {
        fc.pre(all.some(({ takes }) => takes === true))
        const day = new Day(all, 'Spill')
        assert(day.run() !== undefined)
        const times = Object.values(Object.groupBy(day.sent, ({ node }) => node)).map((sent) => sent?.length ?? 0)
        assert(Math.max(...times) <= 3, `${times}`)
      }),
    )
  })
})
