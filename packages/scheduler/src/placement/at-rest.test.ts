import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clusterLabel, placementGate, roomAtAnnotation } from '@kosmos/api'
import { keyOf, type Node, type ObjectKey, type Pod } from '@kosmos/kube'
import fc from 'fast-check'
import { podLike, policyLike } from '../pods.fixture.ts'
import { stateOf, type World } from '../simulation.ts'
import { Root } from './root.fixture.ts'
import { isGated } from './standing.ts'
import type { PlacementState } from './state.ts'

const values = ['leaf0', 'leaf1', 'leaf2'] as const
const value = fc.constantFrom(...values)
const count = fc.integer({ min: 0, max: 3 })
const share = fc.oneof(
  fc.record({ replicas: count }),
  fc.record({ weight: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ weight: fc.integer({ min: 1, max: 3 }), max: count }),
  fc.record({
    weight: fc.integer({ min: 1, max: 3 }),
    min: fc.integer({ min: 0, max: 1 }),
    max: fc.integer({ min: 1, max: 3 }),
  }),
)
const policySpec = fc.record({
  topologyKey: fc.constantFrom(clusterLabel, clusterLabel, 'zone'),
  allocationPolicy: fc
    .array(share, { minLength: 1, maxLength: 3 })
    .map((all) => all.map((one, i) => ({ name: values[i] ?? '', ...one }))),
  allocationType: fc.constantFrom('Required' as const, 'Preferred' as const),
  allocationMethod: fc.constantFrom('Balance' as const, 'Fill' as const),
  allocationScope: fc.constantFrom('Revision' as const, 'Workload' as const),
  whenUnavailable: fc.constantFrom('Wait' as const, 'Spill' as const),
  labelSelector: fc.constantFrom({}, { matchLabels: { app: 'web' } }, { matchLabels: { app: 'db' } }),
})
const podName = fc.integer({ min: 0, max: 9 }).map((i) => `p${i}`)
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant('create' as const),
      pod: podName,
      app: fc.constantFrom('web', 'web', 'db'),
      owner: fc.constantFrom('web-1', 'web-2'),
      cpu: fc.integer({ min: 1, max: 3 }),
      asks: fc.constantFrom(undefined, undefined, undefined, undefined, ...values),
      volumeAt: fc.constantFrom(undefined, undefined, undefined, ...values),
      byHand: fc.constantFrom(undefined, undefined, undefined, undefined, 'n0', 'n1'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constantFrom('delete' as const, 'terminate' as const, 'end' as const, 'look' as const),
      pod: podName,
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom('show' as const), pod: podName }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('bind' as const), pod: podName }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('settle' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('node' as const),
      node: fc.constantFrom('n0', 'n1', 'n2', 'n3'),
      value,
      zone: value,
      cpu: fc.integer({ min: 1, max: 5 }),
      isReady: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('noNode' as const), node: fc.constantFrom('n0', 'n1', 'n2', 'n3') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('policy' as const),
      policy: fc.constantFrom('one', 'two'),
      spec: policySpec,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('noPolicy' as const), policy: fc.constantFrom('one', 'two') }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

type Kind = Step['what']
type Act<K extends Kind> = (root: Root, step: Extract<Step, { what: K }>, number: number) => void
/** Of a step about a pod, if that is there. */
const onPod =
  (act: (root: Root, pod: Pod) => void): ((root: Root, step: { readonly pod: string }) => void) =>
  (root, { pod: name }) => {
    const pod = root.pods.get(`shop/${name}`)
    if (pod) act(root, pod)
  }
const acts: { readonly [K in Kind]: Act<K> } = {
  settle: (root) => root.settle(),
  node: (root, { node: name, value, zone, cpu, isReady }) =>
    root.setNode({
      metadata: {
        name,
        uid: name,
        resourceVersion: '1',
        labels: { [clusterLabel]: value, zone, 'kosmos.io/node': 'true' },
      },
      status: {
        conditions: [{ type: 'Ready', status: isReady ? 'True' : 'Unknown' }],
        allocatable: { cpu: `${cpu}`, pods: '9' },
      },
    } as Node),
  noNode: (root, { node }) => root.deleteNode(node),
  policy: (root, { policy, spec }, number) => root.setPolicy(policyLike(spec, policy, number)),
  noPolicy: (root, { policy }) => root.deletePolicy(`shop/${policy}`),
  create: (root, { pod: name, app, owner, cpu, asks, volumeAt, byHand }, number) => {
    const key: ObjectKey = `shop/${name}`
    if (root.pods.has(key)) return
    root.reaches.delete(key)
    const near = volumeAt && { key: clusterLabel, operator: 'In', values: [volumeAt] }
    if (near) root.reaches.set(key, { matchExpressions: [near], matchFields: [] })
    root.setPod(
      podLike({
        name,
        uid: `${number}`,
        labels: { app },
        owner: { kind: 'ReplicaSet', name: owner },
        spec: {
          containers: [{ name: 'main', resources: { requests: { cpu: `${cpu}` } } }],
          ...(asks && { nodeSelector: { [clusterLabel]: asks } }),
          ...(byHand ? { nodeName: byHand } : { schedulingGates: [{ name: placementGate }] }),
        },
        status: { phase: 'Pending' },
      }),
    )
  },
  look: onPod((root, pod) => void root.look(keyOf(pod))),
  show: onPod((root, pod) => root.show(keyOf(pod))),
  delete: onPod((root, pod) => root.deletePod(keyOf(pod))),
  terminate: onPod((root, pod) =>
    root.setPod({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }),
  ),
  end: onPod((root, pod) => {
    if (!isGated(pod)) root.setPod({ ...pod, status: { phase: 'Failed' } })
  }),
  bind: onPod((root, pod) => {
    const node = pod.metadata.annotations?.[roomAtAnnotation]
    if (isGated(pod) || pod.spec.nodeName || node === undefined || !root.nodes.has(node)) return
    root.setPod({ ...pod, spec: { ...pod.spec, nodeName: node }, status: { phase: 'Running' } })
  }),
}

const countsOf = ({ ledger }: PlacementState, { policies }: Root) =>
  Array.from(policies.keys(), (key) => [
    key,
    Array.from(ledger.groupsOf(key), ({ taken, elsewhere, size }) => [size, elsewhere, ...taken]).sort(),
  ])

/** What its policy has it wait for is kept for it, although others have left places before that since. */
const hasOwnPlace = ({ state: { ledger } }: Root, key: ObjectKey): boolean =>
  ledger.isHeld(key) && ledger.membership(key)?.policy.waitsForNodes === true

describe('a scheduler at rest', () => {
  it('counts what a new leader counts, and would open no gate if it looked again', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), fc.nat(9), (steps, which) => {
        const root = new Root()
        for (const [i, one] of steps.entries()) (acts[one.what] as Act<Kind>)(root, one as never, i + 1)
        root.settle()
        const [nodes, pods, policies] = [root.nodes, root.pods, root.policies].map((all) => [...all.values()])
        const fresh = stateOf({ policies, distributions: [], namespaces: [], nodes, pods } as World)
        // Places that are kept for pods are known to their leader alone.
        const isKept = [...root.policies.keys()].some((key) =>
          [...root.state.ledger.groupsOf(key)].some(({ held }) => held > 0),
        )
        if (!isKept) assert.deepEqual(countsOf(root.state, root), countsOf(fresh, root))
        // One only: what it is looked at again for may be another place to wait at, which lets others go.
        const waiting = [...root.pods]
          .filter(([key, pod]) => isGated(pod) && !hasOwnPlace(root, key))
          .map(([key]) => key)
        const key = waiting[which % waiting.length]
        assert(key === undefined || !root.look(key), `${key} had its place, and nobody looked`)
      }),
      { numRuns: 300 },
    )
  })
})
