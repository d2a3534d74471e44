import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RefusalStatus } from '@kosmos/api'
import { nodes, type Pod, pods, resource } from '@kosmos/kube'
import { workloadPolicies } from '../policies/resource.ts'
import { namespace, onNode, type SchedulingRoot, startSchedulingRoot } from '../scheduling-root.fixture.ts'

const priorityClasses = resource('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', 'Cluster')
const ofController = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'web', controller: true }

/** Keeps pods with the label off its node: only kube-scheduler knows. */
const against = (app: string) => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app } }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
  },
})
const policy = (name: string, whenUnavailable: 'Spill' | 'Wait') => ({
  metadata: { namespace, name },
  spec: {
    topologyKey: 'kosmos.io/cluster',
    labelSelector: { matchLabels: { app: name } },
    allocationPolicy: ['leaf1', 'leaf2'].map((name) => ({ name, weight: 1, max: 1 })),
    allocationType: 'Required',
    allocationMethod: 'Fill',
    whenUnavailable,
  },
})
const isRefused = (pod: Pod | undefined) =>
  pod?.status?.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable') ?? false

describe("a pod with a place that the root's scheduler refuses there", () => {
  let root: SchedulingRoot
  const labelled = (app: string) => ({ labels: { app }, ownerReferences: [ofController] })
  const tells = async (pattern: RegExp) =>
    await root.eventually(`${pattern}`, () => root.told.some((text) => pattern.test(text)), 'any')
  const leaf = async (name: string, machines: number) =>
    await root.node(`kosmos-${name}`, {
      labels: { 'kosmos.io/cluster': name, 'kosmos.io/node': 'true', 'kubernetes.io/hostname': `kosmos-${name}` },
      annotations: {
        'kosmos.io/free-shapes': `[{"nodes":${machines},"free":{"cpu":"4","memory":"8Gi","pods":"10"}}]`,
      },
    })
  /** What a policy says, once it is so. */
  const refusalsOf = async (name: string, isSo: (refusals: readonly RefusalStatus[]) => boolean) => {
    for (;;) {
      const refusals = (await root.client.get(workloadPolicies, { namespace, name }))?.status?.refusals ?? []
      if (isSo(refusals)) return refusals
      await sleep(100)
    }
  }
  const cordon = async (name: string, unschedulable: boolean) =>
    void (await root.client.patch(nodes, { name }, { spec: { unschedulable } }, { type: 'merge' }))
  /** The pod as it was made, evicted; the test is the controller that makes its successor. */
  const isTakenBack = async ({ metadata }: Pod) => {
    await root.eventually(`${metadata.name} is evicted`, (pod) => pod?.metadata.uid !== metadata.uid, metadata.name)
    await tells(new RegExp(`^TakenBack ${metadata.name}: the root's scheduler found no node`))
  }

  before(async () => {
    root = await startSchedulingRoot('take-back', 2_000)
    await root.created(priorityClasses, { metadata: { name: 'high' }, value: 1000 })
    for (const [name, when] of Object.entries({
      spill: 'Spill',
      late: 'Spill',
      wait: 'Wait',
      bare: 'Spill',
    } as const)) {
      await root.created(workloadPolicies, policy(name, when))
    }
  })
  after(() => root?.stop())

  it('is taken back from the own nodes of the root and goes to a leaf, but not while others are preempted for it', async () => {
    const { client, node, pod, eventually } = root
    await node('worker', { labels: { 'kubernetes.io/hostname': 'worker' } })
    // So that pods are kept to the own nodes.
    await leaf('full', 0)
    await pod('low', 3, {}, { finalizers: ['kosmos.io/test'] })
    await eventually('it is bound', onNode('worker'), 'low')
    const urgent = await pod('urgent', 3, { priorityClassName: 'high' }, { ownerReferences: [ofController] })
    await eventually('others are preempted', (found) => found?.status?.nominatedNodeName === 'worker', 'urgent')
    // There before its node, which so never has room for the urgent one.
    await pod('shy-0', 2, { nodeName: 'small', ...against('shy') })
    await node('small', { labels: { 'kubernetes.io/hostname': 'small' } })
    await leaf('leaf1', 20)
    await leaf('leaf2', 20)
    const shy = await pod('shy-1', 1, { nodeSelector: { 'kubernetes.io/hostname': 'small' } }, labelled('shy'))
    await tells(/^NotTakenBack shy-1: .*no other place has room/)
    await client.delete(pods, { namespace, name: shy.metadata.name })
    const free = await pod('shy-2', 0.5, {}, labelled('shy'))
    await eventually('it is kept to the own nodes', isRefused, 'shy-2')
    await isTakenBack(free)
    await pod('shy-3', 0.5, {}, labelled('shy'))
    await eventually('its successor is in a leaf', (found) => /^kosmos-/.test(found?.spec.nodeName ?? ''), 'shy-3')
    const waiting = await client.get(pods, { namespace, name: 'urgent' })
    assert.equal(waiting?.metadata.uid, urgent.metadata.uid)
    await client.patch(pods, { namespace, name: 'low' }, { metadata: { finalizers: null } }, { type: 'merge' })
    await eventually('it has the room that was made for it', onNode('worker'), 'urgent')
  })

  it('goes to the next place where its policy says Spill, and is not sent to the first one again', async () => {
    const { pod, eventually } = root
    await pod('spill-0', 1, { nodeName: 'kosmos-leaf1', ...against('spill') })
    await isTakenBack(await pod('spill-1', 1, {}, labelled('spill')))
    await pod('spill-2', 1, {}, labelled('spill'))
    await eventually('it is in the second place', onNode('kosmos-leaf2'), 'spill-2')
    const [refusal, ...others] = await refusalsOf('spill', (refusals) => refusals.length > 0)
    assert.deepEqual([refusal?.node, refusal?.tries, others], ['kosmos-leaf1', 1, []])
    assert.match(refusal?.message ?? '', /anti-affinity/)
  })

  it('stays while no other place has room, and goes when one has', async () => {
    const { pod, eventually } = root
    await cordon('kosmos-leaf2', true)
    await pod('late-0', 0.1, { nodeName: 'kosmos-leaf1', ...against('late') })
    const late = await pod('late-1', 1, {}, labelled('late'))
    await tells(/^NotTakenBack late-1: .*kosmos-leaf1.*no other place has room/)
    await cordon('kosmos-leaf2', false)
    await isTakenBack(late)
    await pod('late-2', 1, {}, labelled('late'))
    await eventually('it is in the second place', onNode('kosmos-leaf2'), 'late-2')
  })

  it('says why and waits where its policy says Wait, and is bound as soon as it can be', async () => {
    const { client, pod, eventually } = root
    await pod('wait-0', 0.1, { nodeName: 'kosmos-leaf1', ...against('wait') })
    const { metadata } = await pod('wait-1', 0.5, {}, labelled('wait'))
    await tells(/^NotTakenBack wait-1: .*kosmos-leaf1.*its policy has it wait.*anti-affinity/)
    await client.delete(pods, { namespace, name: 'wait-0' })
    const bound = await eventually('it is bound', onNode('kosmos-leaf1'), 'wait-1')
    assert.equal(bound?.metadata.uid, metadata.uid)
    await refusalsOf('wait', (refusals) => refusals.length === 0)
  })

  it('stays if nobody would make another', async () => {
    const { client, pod } = root
    await pod('bare-0', 0.1, { nodeName: 'kosmos-leaf1', ...against('bare') })
    const { metadata } = await pod('bare-1', 0.1, {}, { labels: { app: 'bare' } })
    await tells(/^NotTakenBack bare-1: .*no controller/)
    assert.equal((await client.get(pods, { namespace, name: 'bare-1' }))?.metadata.uid, metadata.uid)
  })
})
