import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clusterLabel, roomAtAnnotation, seatAnnotation, workloadPolicyAnnotation } from '@kosmos/api'
import type { Node, Pod } from '@kosmos/kube'
import { distributionLike } from '../distributions/distribution.fixture.ts'
import { podLike, policyLike } from '../pods.fixture.ts'
import { simulate } from '../simulation.ts'
import { explainNodes } from './explain-nodes.ts'

const leaf = (cluster: string, cpu = 4, parts: Pick<Node, 'spec' | 'status'> = {}): Node => ({
  metadata: {
    name: `kosmos-${cluster}`,
    uid: `uid-of-${cluster}`,
    resourceVersion: '1',
    labels: { [clusterLabel]: cluster, 'kosmos.io/node': 'true' },
    annotations: { 'kosmos.io/free-shapes': `[{"nodes":1,"free":{"cpu":"${cpu}","pods":"9"}}]` },
  },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
  ...parts,
})
const podOf = (name: string, spec: Partial<Pod['spec']> = {}, annotations = {}): Pod =>
  podLike({
    name,
    annotations,
    owner: { kind: 'ReplicaSet', name: 'web-1' },
    labels: { 'pod-template-hash': '1' },
    spec: { containers: [{ name: 'main', resources: { requests: { cpu: '2' } } }], ...spec },
  })
const world = (nodes: readonly Node[], parts: object = {}) => ({
  policies: [],
  distributions: [],
  namespaces: [],
  pods: [],
  nodes,
  ...parts,
})
/** Of a pod that has a numbered place by the policy. */
const seatOf = (seat: number) => ({ [workloadPolicyAnnotation]: 'web', [seatAnnotation]: String(seat) })
const policy = (spec: object) => policyLike({ allocationPolicy: [{ name: 'a', replicas: 1 }], ...spec })

describe('what is against the nodes that a pod is not on', () => {
  const rulesFor = (of: ReturnType<typeof world>, pod: Pod) =>
    Object.fromEntries(
      explainNodes(of, pod).objections.map(({ node, rule, detail }) => [
        node.replace('kosmos-', ''),
        detail ? [rule, detail] : [rule],
      ]),
    )

  it('is what they say by themselves: not Ready, cordoned, another than it asks for, tainted, without room', () => {
    const nodes = [
      leaf('a'),
      leaf('away', 4, { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }),
      leaf('cordoned', 4, { spec: { unschedulable: true } }),
      leaf('other'),
      leaf('tainted', 4, { spec: { taints: [{ key: 'gpu', value: 'only', effect: 'NoSchedule' }] } }),
      leaf('full', 1),
    ]
    const values = ['a', 'away', 'cordoned', 'tainted', 'full']
    const required = { nodeSelectorTerms: [{ matchExpressions: [{ key: clusterLabel, operator: 'In', values }] }] }
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } }
    assert.deepEqual(rulesFor(world(nodes), podOf('web', { affinity })), {
      away: ['notReady'],
      cordoned: ['cordoned'],
      other: ['selector'],
      tainted: ['taint', 'gpu=only:NoSchedule'],
      full: ['noRoom'],
    })
  })

  it('is that a max is reached, for a pod that a policy let go anywhere but there: what it wrote then is not the pod’s own', () => {
    const limited = policy({ allocationPolicy: [{ name: 'a', weight: 1, max: 1 }], allocationType: 'Preferred' })
    const nodeSelector = { [clusterLabel]: 'a' }
    const seated = podOf('first', { nodeSelector, nodeName: 'kosmos-a' }, seatOf(1))
    const elsewhere = { key: clusterLabel, operator: 'NotIn', values: ['a'] }
    const required = { nodeSelectorTerms: [{ matchExpressions: [elsewhere] }] }
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } }
    const annotations = { [workloadPolicyAnnotation]: limited.metadata.name, [roomAtAnnotation]: 'kosmos-b' }
    const beyond = podOf('second', { affinity, nodeName: 'kosmos-b' }, annotations)
    const found = rulesFor(world([leaf('a'), leaf('b')], { policies: [limited], pods: [seated, beyond] }), beyond)
    assert.deepEqual(found, { a: ['allocationFull', `${clusterLabel}=a`] })
  })

  it('is what policies say: other nodes, no allocation, no free place', () => {
    const nodes = [leaf('a'), leaf('b')]
    const own = { name: 'own', nodeType: 'host' } as const
    const distributions = [distributionLike([{ policyName: 'own' }], { policyTerms: [own] })]
    assert.deepEqual(rulesFor(world(nodes, { distributions }), podOf('web')), {
      a: ['distribution'],
      b: ['distribution'],
    })
    const taken = podOf(
      'first',
      { nodeName: 'kosmos-a', nodeSelector: { [clusterLabel]: 'a' } },
      { 'kosmos.io/seat': '1' },
    )
    const required = { policies: [policy({ allocationType: 'Required' })], pods: [taken] }
    assert.deepEqual(rulesFor(world(nodes, required), podOf('web')), {
      a: ['allocationFull', `${clusterLabel}=a`],
      b: ['noAllocation', `${clusterLabel}=b`],
    })
    // For the one that has the place it is no reason.
    assert.deepEqual(rulesFor(world(nodes, required), taken), { b: ['noAllocation', `${clusterLabel}=b`] })
    assert.deepEqual(rulesFor(world(nodes, { ...required, policies: [policy({})] }), podOf('web')), {})
  })

  it('is a pause after a refusal, and a pod that comes first', () => {
    const until = new Date(Date.now() + 60_000).toISOString()
    const refusals = [{ node: 'kosmos-a', requests: { cpu: '1' }, tries: 1, machines: 1, until, message: 'a taint' }]
    const refusing = { policies: [{ ...policy({}), status: { refusals } }] }
    assert.deepEqual(rulesFor(world([leaf('a'), leaf('b')], refusing), podOf('web')), { a: ['refused'] })
    const large = podOf('large', {
      schedulingGates: [{ name: 'kosmos.io/placement' }],
      containers: [{ name: 'main', resources: { requests: { cpu: '6' } } }],
    })
    const nodes = [leaf('a')]
    const [node = assert.fail()] = nodes
    const empty = { 'kosmos.io/empty-shapes': '[{"nodes":1,"free":{"cpu":"8","pods":"9"}}]' }
    const annotations = { ...node.metadata.annotations, ...empty }
    const old = {
      ...large,
      metadata: { ...large.metadata, creationTimestamp: new Date(Date.now() - 90_000).toISOString() },
    }
    const bestFit = {
      metadata: { name: 'shop', uid: 's', resourceVersion: '1', labels: { 'kosmos.io/placement': 'best-fit' } },
    }
    const kept = world([{ ...node, metadata: { ...node.metadata, annotations } }], {
      pods: [old],
      namespaces: [bestFit],
    })
    const later = podOf('small')
    const created = { ...later, metadata: { ...later.metadata, creationTimestamp: new Date().toISOString() } }
    assert.deepEqual(rulesFor(kept, created), { a: ['reserved', 'shop/large'] })
  })

  it('is nothing where the pod would go, by the function that decides: what its place has brought does not count', () => {
    const nodes = [leaf('a', 1), leaf('b', 4), leaf('c', 3)]
    const bestFit = {
      metadata: { name: 'shop', uid: 's', resourceVersion: '1', labels: { 'kosmos.io/placement': 'best-fit' } },
    }
    const of = world(nodes, { namespaces: [bestFit] })
    const [decision] = simulate(of, [podOf('web')])
    const aimed = decision?.kind === 'anyRoom' ? decision.aim?.node : undefined
    const required = {
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [`${aimed}`] }] }],
    }
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } }
    const placed = podOf('web', { nodeName: `${aimed}`, affinity }, { 'kosmos.io/room-at': `${aimed}` })
    const { decision: anew, candidates, objections } = explainNodes({ ...of, pods: [placed] }, placed)
    assert.equal(candidates[0]?.node, aimed)
    assert.deepEqual([anew.kind, 'aim' in anew && anew.aim?.node], ['anyRoom', aimed])
    assert.deepEqual(
      objections.map(({ node, rule }) => [node, rule]),
      [['kosmos-a', 'noRoom']],
    )
  })

  it('leaves the place to the policy, whose share may be at another node than the first one', () => {
    const nodes = [leaf('a', 4), leaf('b', 4)]
    const allocationPolicy = [
      { name: 'a', weight: 1 },
      { name: 'b', weight: 9 },
    ]
    const of = world(nodes, { policies: [policyLike({ allocationPolicy, labelSelector: {} })] })
    const { decision, candidates } = explainNodes(of, podOf('web'))
    assert.deepEqual([decision.kind, 'value' in decision && decision.value], ['seat', 'b'])
    assert.equal(candidates[0]?.node, 'kosmos-a')
  })
})
