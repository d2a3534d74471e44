import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PolicyTerm } from '@kosmos/api'
import { type Node, NodeAffinity, type Pod, untoleratedTaint } from '@kosmos/kube'
import { podLike } from '../pods.fixture.ts'
import { constrained, constraintsOf } from './constraints.ts'

const node = (name: string, labels: Record<string, string>, taints: object[] = []): Node =>
  ({ metadata: { name, uid: name, resourceVersion: '1', labels }, spec: { taints } }) as Node
const taint = { key: 'kosmos.io/node', value: 'true', effect: 'NoSchedule' }
const nodes = [
  node('worker', { disk: 'ssd' }),
  node('kosmos-leaf1', { 'kosmos.io/node': 'true', disk: 'ssd', zone: 'a' }, [taint]),
  node('kosmos-leaf2', { 'kosmos.io/node': 'true', zone: 'a' }, [{ ...taint, effect: 'NoExecute' }]),
  node('gpu', { zone: 'a' }, [{ key: 'gpu', effect: 'NoSchedule' }]),
]
const allowed = (pod: Pod) =>
  nodes
    .filter((one) => new NodeAffinity(pod.spec).allows(one))
    .filter((one) => untoleratedTaint(one.spec?.taints ?? [], pod.spec.tolerations ?? []) === undefined)
    .map(({ metadata }) => metadata.name)
const nodesOf = (term: Omit<PolicyTerm, 'name'>, pod = podLike()) =>
  allowed(constrained(pod, constraintsOf({ name: 'term', ...term })))

describe('where the pods of a term may be', () => {
  it("is the root's own nodes, virtual ones, or both", () => {
    assert.deepEqual(nodesOf({ nodeType: 'host' }), ['worker'])
    assert.deepEqual(nodesOf({ nodeType: 'leaf' }), ['kosmos-leaf1', 'kosmos-leaf2'])
    assert.deepEqual(nodesOf({ nodeType: 'mix' }), ['worker', 'kosmos-leaf1', 'kosmos-leaf2'])
  })

  it('is what an advanced term says, all of it, with what it tolerates', () => {
    const adv = (advancedTerm: NonNullable<PolicyTerm['advancedTerm']>) => nodesOf({ nodeType: 'adv', advancedTerm })
    assert.deepEqual(adv({ nodeName: 'kosmos-leaf2' }), ['kosmos-leaf2'])
    assert.deepEqual(adv({ nodeSelector: { disk: 'ssd' } }), ['worker', 'kosmos-leaf1'])
    assert.deepEqual(adv({ nodeSelector: { disk: 'ssd', zone: 'a' } }), ['kosmos-leaf1'])
    assert.deepEqual(adv({ nodeName: 'kosmos-leaf2', nodeSelector: { disk: 'ssd' } }), [])
    const tolerations = [{ key: 'gpu', operator: 'Exists' as const }]
    assert.deepEqual(adv({ nodeSelector: { zone: 'a' } }), ['kosmos-leaf1', 'kosmos-leaf2'])
    assert.deepEqual(adv({ nodeSelector: { zone: 'a' }, tolerations }), ['kosmos-leaf1', 'kosmos-leaf2', 'gpu'])
  })

  it('narrows what the pod itself asks for, in each of its terms', () => {
    const disk = { key: 'disk', operator: 'Exists' }
    const nodeSelectorTerms = [{ matchExpressions: [disk] }, { matchExpressions: [{ ...disk, key: 'zone' }] }]
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }
    assert.deepEqual(nodesOf({ nodeType: 'host' }, podLike({ spec: { affinity: { nodeAffinity } } })), ['worker'])
    const adv = { nodeType: 'adv', advancedTerm: { nodeSelector: { zone: 'a' } } } as const
    assert.deepEqual(nodesOf(adv, podLike({ spec: { nodeSelector: { zone: 'b' } } })), [])
  })

  it('adds no toleration that the pod has', () => {
    const tolerations = [{ key: 'kosmos.io/node', operator: 'Exists' }]
    const pod = constrained(podLike({ spec: { tolerations } }), constraintsOf({ name: 'a', nodeType: 'mix' }))
    assert.deepEqual(pod.spec.tolerations, tolerations)
  })
})
