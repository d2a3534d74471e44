import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clusterLabel } from '@kosmos/api'
import { keyOf, type Node, type Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { explainNodes } from '../explanation/explain-nodes.ts'
import { podLike, policyLike } from '../pods.fixture.ts'
import { simulate, type World } from '../simulation.ts'
import type { Reach } from '../volumes/reach.ts'
import { PlacementState } from './state.ts'

const leaf = (cluster: string, isReady = true): Node => ({
  metadata: { name: cluster, uid: cluster, resourceVersion: '1', labels: { [clusterLabel]: cluster } },
  status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
})
const gated = (name: string): Pod => podLike({ name, spec: { schedulingGates: [{ name: 'kosmos.io/placement' }] } })
const at = (...values: string[]): Reach => ({
  matchExpressions: [{ key: clusterLabel, operator: 'In', values }],
  matchFields: [],
})
const clusters = ['leaf1', 'leaf2', 'leaf3']
const policy = (spec: object) =>
  policyLike({ allocationPolicy: clusters.map((name) => ({ name, max: 2 })), labelSelector: {}, ...spec })
const required = policy({ allocationType: 'Required' })
const world: World = {
  policies: [required],
  distributions: [],
  namespaces: [],
  nodes: clusters.map((name) => leaf(name)),
  pods: [],
}

/** Where pods go whose volumes are as said, one after the other. */
function places(reaches: readonly (Reach | undefined)[], more: Partial<World> = {}): string[] {
  const pods = reaches.map((_, i) => gated(`p${i}`))
  const known = new Map(reaches.flatMap((reach, i) => (reach ? [[`shop/p${i}`, reach] as const] : [])))
  return simulate({ ...world, ...more, reaches: known } as World, pods).map((decision) => {
    if (decision.kind !== 'seat') return decision.kind
    return decision.offer === 'room' ? decision.value : `${decision.value}: ${decision.offer}`
  })
}

describe('a pod whose volume is in one cluster', () => {
  it('has its place there, whichever share comes next', () => {
    assert.deepEqual(places([at('leaf3'), undefined, at('leaf3'), at('leaf2')]), ['leaf3', 'leaf1', 'leaf3', 'leaf2'])
  })

  it('waits where every place there is taken, and goes anyway where its policy only prefers', () => {
    assert.deepEqual(places([at('leaf3'), at('leaf3'), at('leaf3')]), ['leaf3', 'leaf3', 'wait'])
    const preferred = [policy({ allocationType: 'Preferred', allocationPolicy: [{ name: 'leaf3', replicas: 1 }] })]
    assert.deepEqual(places([at('leaf3'), at('leaf3')], { policies: preferred }), ['leaf3', 'anyRoom'])
  })

  it('waits for a node there, and is not sent where its volume is not', () => {
    const nodes = [leaf('leaf1'), leaf('leaf2'), leaf('leaf3', false)]
    for (const whenUnavailable of ['Spill', 'Wait']) {
      const policies = [policy({ allocationType: 'Required', whenUnavailable })]
      assert.deepEqual(places([at('leaf3')], { nodes, policies }), ['leaf3: noNode'])
      const [gone] = places([at('leaf3')], { nodes: nodes.slice(0, 2), policies })
      assert.match(gone ?? '', /: noNode$/)
    }
  })

  it('is told so of the other nodes', () => {
    const pod = gated('p')
    const { candidates, objections } = explainNodes({ ...world, reaches: new Map([['shop/p', at('leaf2')]]) }, pod)
    assert.deepEqual(
      candidates.map(({ node }) => node),
      ['leaf2'],
    )
    assert.deepEqual(
      objections.map(({ node, rule }) => [node, rule]),
      [
        ['leaf1', 'volume'],
        ['leaf3', 'volume'],
      ],
    )
  })

  it('is never sent elsewhere, whatever others do, nor beyond what its policy gives', () => {
    const reach = fc.option(fc.subarray(clusters, { minLength: 1 }), { nil: undefined })
    fc.assert(
      fc.property(fc.array(reach, { maxLength: 9 }), (reaches) => {
        const given = places(reaches.map((values) => values && at(...values)))
        for (const [i, place] of given.entries()) {
          if (place !== 'wait') assert((reaches[i] ?? clusters).includes(place), `p${i} is at ${place}`)
        }
        for (const name of clusters) assert(given.filter((place) => place === name).length <= 2)
      }),
    )
  })
})

describe('a pod that waits because of its volume', () => {
  const stateWith = (spec: object, nodes: readonly Node[], pods: readonly Pod[]) => {
    const byName = new Map(nodes.map((node) => [node.metadata.name, node]))
    const state = new PlacementState(byName)
    state.setPolicy(policy({ allocationType: 'Required', ...spec }))
    for (const node of nodes) state.vacancies.setNode(node, undefined)
    for (const pod of pods) state.setPod(pod)
    return { state, nodes: byName }
  }
  const placed = (name: string, value: string): Pod =>
    podLike({ name, annotations: { 'kosmos.io/seat': '1' }, spec: { nodeSelector: { [clusterLabel]: value } } })
  const waits = (state: PlacementState, pod: Pod, reach?: Reach) => {
    state.setReach(keyOf(pod), reach)
    const decision = state.decide(pod)
    return { decision, changes: state.commit(pod, decision) }
  }

  it('lets those pass behind it that may go where it may not', () => {
    const allocationPolicy = ['leaf1', 'leaf2'].map((name) => ({ name, max: 1 }))
    const [bound, other] = [gated('bound'), gated('other')]
    const pods = [placed('a', 'leaf1'), placed('b', 'leaf2'), bound, other]
    const { state } = stateWith({ allocationPolicy }, world.nodes, pods)
    for (const [pod, reach] of [[bound, at('leaf1')], [other]] as const) {
      assert.equal(waits(state, pod, reach).decision.kind, 'wait')
    }
    assert.deepEqual(state.deletePod('shop/b'), [{ policy: 'shop/web', next: ['shop/other'] }])
    assert.deepEqual(state.deletePod('shop/a'), [{ policy: 'shop/web', next: ['shop/other', 'shop/bound'] }])
  })

  it('is looked at again when the first node comes up that reaches it, wherever its place was before', () => {
    for (const [max, kind] of [
      [2, 'seat'],
      [0, 'wait'],
    ] as const) {
      const pod = gated('p')
      const { state, nodes } = stateWith({ allocationPolicy: [{ name: 'leaf1', max }] }, [leaf('leaf1')], [pod])
      const { decision } = waits(state, pod, at('leaf2'))
      assert.equal(decision.kind, kind)
      const came = leaf('leaf2')
      nodes.set('leaf2', came)
      state.vacancies.setNode(came, undefined)
      assert.equal(state.roomWithinMs(pod, decision, 'leaf2'), 0)
      assert.equal(state.decide(pod).kind, 'anyRoom')
    }
  })
})
