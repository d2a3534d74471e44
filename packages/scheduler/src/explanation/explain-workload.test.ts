import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clusterLabel } from '@kosmos/api'
import type { Node, Pod } from '@kosmos/kube'
import { podLike, policyLike } from '../pods.fixture.ts'
import { explainWorkload } from './explain-workload.ts'

const leaf = (cluster: string, isReady = true): Node => ({
  metadata: {
    name: `kosmos-${cluster}`,
    uid: `uid-of-${cluster}`,
    resourceVersion: '1',
    labels: { [clusterLabel]: cluster },
    annotations: { 'kosmos.io/free-shapes': '[{"nodes":3,"free":{"cpu":"4","pods":"9"}}]' },
  },
  status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
})
const pod = (i: number, cluster?: string): Pod =>
  podLike({
    name: `web-1-${i}`,
    labels: { 'pod-template-hash': '1' },
    owner: { kind: 'ReplicaSet', name: 'web-1' },
    annotations: cluster ? { 'kosmos.io/seat': `${i}` } : {},
    spec: cluster
      ? { nodeName: `kosmos-${cluster}`, nodeSelector: { [clusterLabel]: cluster } }
      : { schedulingGates: [{ name: 'kosmos.io/placement' }] },
    status: { phase: cluster ? 'Running' : 'Pending' },
  })
const allocationPolicy = [
  { name: 'leaf1', weight: 2 },
  { name: 'leaf2', weight: 1 },
]
const web = { kind: 'Deployment', namespace: 'shop', name: 'web' } as const
const world = (parts: { nodes?: Node[]; pods: Pod[]; spec?: object }) => ({
  policies: [policyLike({ allocationPolicy, ...parts.spec })],
  distributions: [],
  namespaces: [],
  nodes: parts.nodes ?? [leaf('leaf1'), leaf('leaf2')],
  pods: parts.pods,
})
const rows = (of: Parameters<typeof world>[0]) =>
  explainWorkload(world(of), web)?.shares.map((share) => [
    share.name,
    share.desired,
    share.assigned,
    share.missing,
    share.offer,
  ])

describe('the explanation of a workload', () => {
  it('has what each share was asked to have, and has', () => {
    assert.deepEqual(rows({ pods: [pod(1, 'leaf1'), pod(2, 'leaf2'), pod(4)] }), [
      ['leaf1', 2, 1, 1, 'room'],
      ['leaf2', 1, 1, 0, 'room'],
    ])
  })

  it('says that pods are where they do not belong, and what is missing where they do', () => {
    const nodes = [leaf('leaf1'), leaf('leaf2', false)]
    assert.deepEqual(rows({ nodes, pods: [pod(1, 'leaf1'), pod(2, 'leaf1'), pod(3, 'leaf1')] }), [
      ['leaf1', 2, 3, 0, 'room'],
      ['leaf2', 1, 0, 1, 'noNode'],
    ])
  })

  it('says that no node has a value, also while nothing is missing there', () => {
    const nodes = [leaf('leaf1'), leaf('laef2')]
    assert.deepEqual(rows({ nodes, pods: [pod(1, 'leaf1')] }), [
      ['leaf1', 1, 1, 0, 'room'],
      ['leaf2', 0, 0, 0, 'noValue'],
    ])
    assert.deepEqual(rows({ nodes, pods: [] })?.[1], ['leaf2', 0, 0, 0, 'noValue'])
  })

  it('says what each pod waits for that waits', () => {
    const nodes = [leaf('leaf1'), leaf('leaf2', false)]
    const spec = { whenUnavailable: 'Wait' }
    const pods = [pod(1, 'leaf1'), pod(2), pod(3, 'leaf1')]
    const found = explainWorkload(world({ nodes, pods, spec }), web)
    assert.deepEqual(
      found?.waiting.map((decision) => decision.kind === 'seat' && [decision.value, decision.offer]),
      [['leaf2', 'noNode']],
    )
  })

  it('counts no pods at the gates of others, and says how many there are that stay', () => {
    const gated = pod(2)
    const schedulingGates = [...(gated.spec.schedulingGates ?? []), { name: 'example.org/quota' }]
    const waiting = { ...gated, spec: { ...gated.spec, schedulingGates } }
    const metadata = { ...waiting.metadata, name: 'leaving', deletionTimestamp: '2026-01-01T00:00:00Z' }
    const leaving = { ...waiting, metadata }
    const found = explainWorkload(world({ pods: [pod(1, 'leaf1'), waiting, leaving] }), web)
    assert.deepEqual([found?.pods, found?.others, found?.atOtherGates, found?.waiting], [1, 0, 1, []])
    assert.equal(explainWorkload(world({ pods: [waiting] }), web)?.policy.name, 'web')
  })

  it('is there for one without pods if a policy names it, and not for one that none places', () => {
    assert.deepEqual(rows({ pods: [] }), [
      ['leaf1', 0, 0, 0, undefined],
      ['leaf2', 0, 0, 0, undefined],
    ])
    assert.equal(explainWorkload(world({ pods: [] }), { ...web, name: 'db' }), undefined)
  })

  it('is by the policy that would place the pods of one without pods: of several that name it the oldest', () => {
    const policies = Object.entries({ newer: '2026-02-01', older: '2026-01-01', newest: '2026-03-01' }).map(
      ([name, day]) => {
        const policy = policyLike({ allocationPolicy }, name)
        return { ...policy, metadata: { ...policy.metadata, creationTimestamp: `${day}T00:00:00Z` } }
      },
    )
    assert.equal(explainWorkload({ ...world({ pods: [] }), policies }, web)?.policy.name, 'older')
  })
})
