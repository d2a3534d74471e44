import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  bestFit,
  indexedLabel,
  type PolicyIndexEntry,
  placementGate,
  placementLabel,
  policyIndexNames,
  virtualNodesLabel,
} from '@kosmos/api'
import {
  type Client,
  Informer,
  type KubeObject,
  NodeAffinity,
  namespaces,
  type Pod,
  pods,
  serviceAccounts,
} from '@kosmos/kube'
import fc from 'fast-check'
import { type AdmittingRoot, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { openPatch, seatPatch } from '../placement/patch.ts'
import { type PodParts, podLike, policyLike } from '../pods.fixture.ts'
import { PolicyIndexController } from '../policy-index/controller.ts'
import { workloadIndex } from '../policy-index/kinds.ts'
import { policyIndexes } from '../policy-index/resource.ts'
import { compilePolicy, policyOf, type StoredPolicy } from './compiled-policy.ts'
import { workloadPolicies } from './resource.ts'
import { podParts, policies } from './samples.fixture.ts'

const namespace = 'shop'
const name = policyIndexNames.WorkloadPolicy

const allocationPolicy = [{ name: 'leaf1', weight: 1 }]

describe('the gate of placement, on an API server', () => {
  let root: AdmittingRoot
  let client: Client

  before(async () => {
    root = await startAdmittingRoot('admission')
    client = root.client
  })
  after(() => root?.stop())

  const admitted = async (pod: Pod): Promise<Pod> => await root.admitted(pod)
  const isGated = ({ spec }: Pod) => spec.schedulingGates?.some(({ name }) => name === placementGate) ?? false

  const store = async (all: readonly StoredPolicy[]) => {
    // The last one tells when the API server's admission has seen them all: it watches them.
    const probe = policyLike({ allocationPolicy, labelSelector: { matchLabels: { probe: 'yes' } } }, 'probe')
    for (const one of [...all, probe]) {
      const { uid: _, resourceVersion: __, generation: ___, ...metadata } = one.metadata
      const outcome = await client.create(workloadPolicies, { ...one, metadata })
      assert(outcome.ok, JSON.stringify(outcome))
    }
    while (!isGated(await admitted(podLike({ labels: { probe: 'yes' } })))) await sleep(20)
  }
  const mark = async (metadata: { namespace: string; name: string }) => {
    const labels = { [indexedLabel]: 'true' }
    assert((await client.patch(workloadPolicies, metadata, { metadata: { labels } }, { type: 'merge' })).ok)
  }
  const remove = async () => {
    for (const { metadata } of await client.listAll(workloadPolicies, { namespace }))
      await client.delete(workloadPolicies, metadata)
    while (isGated(await admitted(podLike({ labels: { probe: 'yes' } })))) await sleep(20)
  }

  const areGatedAsSelected = async (all: readonly StoredPolicy[]) => {
    const compiled = all.map(compilePolicy)
    for (const parts of fc.sample(podParts, 40)) {
      const pod = podLike(parts)
      const expected = policyOf(pod, compiled) !== undefined
      const why = () => JSON.stringify([parts, all.map(({ spec }) => spec)])
      assert.equal(isGated(await admitted(pod)), expected, why())
    }
  }

  const of = (app: string) => ({ allocationPolicy, labelSelector: { matchLabels: { app } } })

  it('costs pods of no policy no request of the API server to itself', async () => {
    const asked = async () => {
      const lines = String(await client.raw('/metrics')).split('\n')
      const ofIndexes = lines.filter((line) =>
        /^apiserver_request_total\{.*resource="policyindexes".*verb="GET"/.test(line),
      )
      return ofIndexes.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    }
    await store([])
    await remove()
    const before = await asked()
    for (let i = 0; i < 5; i++) await admitted(podLike())
    assert.equal((await asked()) - before, 0)
  })

  it('is on exactly those pods that a policy selects', async () => {
    for (const all of fc.sample(policies, 8)) {
      await store(all)
      await areGatedAsSelected(all)
      await remove()
    }
  })

  it('is on exactly those pods when an index says what the policies select', async () => {
    // The API server's admission sees what is in another namespace in the same order, and no policy of the samples is there.
    const other = { namespace: 'other', name: 'default' }
    await client.create(namespaces, { metadata: { name: other.namespace } })
    await client.create(serviceAccounts, { metadata: other })
    const isOtherGated = async (labels: Record<string, string>) => {
      const pod = podLike({ labels })
      return isGated(await admitted({ ...pod, metadata: { ...pod.metadata, namespace: other.namespace } }))
    }
    const index = async (of: string, policies: readonly PolicyIndexEntry[]) => {
      const metadata = { namespace: of, name }
      assert((await client.apply(policyIndexes, { metadata, ...{ spec: { policies } } })).ok)
      return metadata
    }
    const probe = (name: string) =>
      policyLike({ allocationPolicy, labelSelector: { matchLabels: { probe: name } } }, name)
    for (const all of fc.sample(policies, 6)) {
      await store(all)
      const indexes = [
        await index(namespace, all.flatMap(workloadIndex.entriesOf)),
        await index(other.namespace, workloadIndex.entriesOf(probe('index'))),
      ]
      while (!(await isOtherGated({ probe: 'index' }))) await sleep(20)
      const metadata = { namespace: other.namespace, name: 'mark' }
      assert((await client.create(workloadPolicies, { ...probe('mark'), metadata })).ok)
      while (!(await isOtherGated({ probe: 'mark' }))) await sleep(20)
      for (const one of [...all, { metadata: { namespace, name: 'probe' } }, { metadata }]) await mark(one.metadata)
      while (await isOtherGated({ probe: 'mark' })) await sleep(20)
      await areGatedAsSelected(all)
      await client.delete(workloadPolicies, metadata)
      for (const one of indexes) {
        await index(one.namespace, [])
        assert((await client.delete(policyIndexes, one)).ok)
      }
      while (await isOtherGated({ probe: 'index' })) await sleep(20)
      await remove()
    }
  })

  it('is kept while the scheduler makes an index, somebody changes a policy that is in it, and all go', async () => {
    const stop = new AbortController()
    const known = new Informer({ client, resource: workloadPolicies, indexes: { namespace: () => [namespace] } })
    const indexes = new Informer({ client, resource: policyIndexes })
    const { controller } = new PolicyIndexController({
      root: client,
      policiesOf: () => known.store.by('namespace', namespace),
      indexOf: (key) => indexes.get(key),
      synced: Promise.all([known.synced, indexes.synced]),
      settleMs: 300,
    })
    for (const one of [known, indexes]) one.subscribe(() => controller.enqueue(`${namespace}/${name}`))
    const running = Promise.all([known, indexes, controller].map((one) => one.run(stop.signal)))
    const marked = async () =>
      (await client.listAll(workloadPolicies, { namespace, labelSelector: indexedLabel })).map(
        ({ metadata }) => metadata.name,
      )
    const [web, db, cache] = ['web', 'db', 'cache'].map((app) => podLike({ labels: { app } }))
    assert(web && db && cache)
    // Somebody who copies a policy does not copy what is said about it.
    const copied = policyLike(of('db'), 'db')
    await store([
      policyLike(of('web'), 'web'),
      { ...copied, metadata: { ...copied.metadata, labels: { [indexedLabel]: 'true' } } },
    ])
    assert.deepEqual(await marked(), [])
    const areGated = async () => isGated(await admitted(web)) && isGated(await admitted(db))
    while ((await marked()).length < 3) {
      assert(await areGated())
      await sleep(50)
    }
    assert(await areGated())
    assert(!isGated(await admitted(cache)))

    const refused = await client.delete(policyIndexes, { namespace, name })
    assert(!refused.ok)
    assert.match(refused.status.message ?? '', /admission selects pods by it/)

    const patch = { spec: { labelSelector: { matchLabels: { app: 'cache' } } } }
    const changed = await client.patch(workloadPolicies, { namespace, name: 'db' }, patch, { type: 'merge' })
    assert(changed.ok)
    assert.equal(changed.object.metadata.labels?.[indexedLabel], undefined)
    while (!isGated(await admitted(cache))) await sleep(20)
    while (isGated(await admitted(db)) || (await marked()).length < 3) {
      assert(isGated(await admitted(cache)))
      await sleep(50)
    }
    assert(isGated(await admitted(cache)))

    await remove()
    while (await client.get(policyIndexes, { namespace, name })) await sleep(50)
    stop.abort()
    await running
  })

  it('is by an index of which nothing is remembered when that has gone with its namespace', async () => {
    const stop = new AbortController()
    let isGone = false
    const all = [of('web'), of('db')].map((spec, i) => policyLike(spec, `gone-${i}`))
    const index = new PolicyIndexController({
      root: client,
      policiesOf: () => (isGone ? [] : all),
      indexOf: () => undefined,
      synced: Promise.resolve(),
      settleMs: 1,
    })
    const running = index.controller.run(stop.signal)
    index.changed(name, namespace)
    while (!(await client.get(policyIndexes, { namespace, name }))) await sleep(20)
    isGone = true
    while (index.remembered > 0) {
      index.changed(name, namespace)
      await sleep(20)
    }
    stop.abort()
    await running
    assert((await client.apply(policyIndexes, { metadata: { namespace, name }, ...{ spec: { policies: [] } } })).ok)
    assert((await client.delete(policyIndexes, { namespace, name })).ok)
  })

  it('is there once, however many policies select the pod, and never on a pod that has its node', async () => {
    await store([0, 1].map((i) => policyLike({ allocationPolicy, labelSelector: {} }, `policy-${i}`)))
    assert.deepEqual((await admitted(podLike())).spec.schedulingGates, [{ name: placementGate }])
    const others = { schedulingGates: [{ name: 'example.org/quota' }] }
    assert.deepEqual((await admitted(podLike({ spec: others }))).spec.schedulingGates?.map(({ name }) => name).sort(), [
      'example.org/quota',
      placementGate,
    ])
    assert.equal(isGated(await admitted(podLike({ spec: { nodeName: 'worker' } }))), false)
    await remove()
  })

  it('keeps a pod changeable: its place can be given with nodes that it shall keep off', async () => {
    await store([policyLike({ allocationPolicy, labelSelector: {} }, 'all')])
    const nodeSelectorTerms = [{ matchExpressions: [{ key: 'gpu', operator: 'Exists' }] }]
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }
    for (const [name, spec] of [
      ['plain', {}],
      ['choosy', { affinity: { nodeAffinity } }],
    ] as const) {
      const { uid: _, resourceVersion: __, ...metadata } = podLike({ name }).metadata
      const containers = [{ name: 'main', image: 'busybox' }]
      const created = await client.create(pods, { metadata, spec: { ...spec, containers } } as KubeObject)
      assert(created.ok && isGated(created.object), JSON.stringify(created))
      const policy = compilePolicy(policyLike({ allocationPolicy }))
      const patch = seatPatch(
        created.object,
        policy,
        { share: 0, number: 1 },
        { aim: { node: 'kosmos-leaf1', bound: 'preferred', avoid: ['kosmos-leaf2', 'kosmos-leaf3'] } },
      )
      const outcome = await client.patch(pods, { namespace, name }, patch, { type: 'strategic' })
      assert(outcome.ok, JSON.stringify(outcome))
      const affinity = new NodeAffinity(outcome.object.spec)
      const labels = { 'kosmos.io/cluster': 'leaf1', gpu: 'yes' }
      const allowed = ['kosmos-leaf1', 'kosmos-leaf2', 'kosmos-leaf3'].filter((node) =>
        affinity.allows({ metadata: { name: node, labels } }),
      )
      assert.deepEqual(allowed, ['kosmos-leaf1'])
      await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 })
    }
    await remove()
  })

  it('is no matter of the toleration of virtual nodes, which a label of the namespace gives its pods', async () => {
    const tolerations = async (parts: PodParts) =>
      (await admitted(podLike(parts))).spec.tolerations?.filter(({ key }) => key === 'kosmos.io/node' || key === 'gpu')
    assert.deepEqual(await tolerations({}), [])
    const labels = { [virtualNodesLabel]: 'tolerated' }
    await client.patch(namespaces, { name: namespace }, { metadata: { labels } }, { type: 'merge' })
    const ours = { key: 'kosmos.io/node', operator: 'Exists' } as const
    while ((await tolerations({}))?.length === 0) await sleep(20)
    assert.deepEqual(await tolerations({}), [ours])
    const gpu = { key: 'gpu', operator: 'Exists' } as const
    assert.deepEqual(await tolerations({ spec: { tolerations: [gpu] } }), [gpu, ours])
    assert.deepEqual(await tolerations({ spec: { tolerations: [ours] } }), [ours])
    assert.deepEqual(await tolerations({ owner: { kind: 'DaemonSet', name: 'agent' } }), [])
    await client.patch(
      namespaces,
      { name: namespace },
      { metadata: { labels: { [virtualNodesLabel]: null } } },
      { type: 'merge' },
    )
  })

  it('is on all pods of a namespace with the label best-fit, without a policy, and lets their node be chosen', async () => {
    const label = async (value: string | null, name = namespace) =>
      await client.patch(namespaces, { name }, { metadata: { labels: { [placementLabel]: value } } }, { type: 'merge' })
    const refused = await label('bestfit')
    assert(!refused.ok)
    assert.match(refused.status.message ?? '', /kosmos.io\/placement has one value, best-fit/)
    assert((await label(bestFit)).ok)
    while (!isGated(await admitted(podLike()))) await sleep(20)
    assert.deepEqual((await admitted(podLike())).spec.schedulingGates, [{ name: placementGate }])
    for (const parts of fc.sample(podParts, 20)) {
      const isExpected = parts.owner?.kind !== 'DaemonSet'
      assert.equal(isGated(await admitted(podLike(parts))), isExpected, JSON.stringify(parts))
    }
    assert.equal(isGated(await admitted(podLike({ spec: { nodeName: 'worker' } }))), false)
    // A pod that prefers ssd, and one that needs them.
    const ssd = { matchExpressions: [{ key: 'ssd', operator: 'Exists' }] }
    const preferred = [{ weight: 1, preference: ssd }]
    const nodeAffinity = {
      preferredDuringSchedulingIgnoredDuringExecution: preferred,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [ssd] },
    }
    for (const aimedAt of ['asked', 'node', 'own', 'preferred'] as const) {
      for (const spec of [{}, { affinity: { nodeAffinity } }]) {
        const containers = [{ name: 'main', image: 'busybox' }]
        const created = await client.create(pods, {
          metadata: { namespace, name: 'aimed' },
          spec: { ...spec, containers },
        } as KubeObject)
        assert(created.ok && isGated(created.object), JSON.stringify(created))
        const aim = { node: 'kosmos-leaf1', bound: aimedAt, avoid: ['kosmos-leaf2'] }
        const patch = openPatch(created.object, undefined, { aim })
        const outcome = await client.patch(pods, { namespace, name: 'aimed' }, patch, { type: 'strategic' })
        assert(outcome.ok, JSON.stringify(outcome))
        assert(!isGated(outcome.object))
        const again = await client.patch(pods, { namespace, name: 'aimed' }, patch, { type: 'strategic' })
        assert(again.ok, 'the same once more changes nothing')
        const affinity = new NodeAffinity(outcome.object.spec)
        const nodes = ['kosmos-leaf1', 'kosmos-leaf2', 'kosmos-leaf3', 'worker'].map((name) => ({
          metadata: { name, labels: { ssd: 'yes', ...(name !== 'worker' && { 'kosmos.io/node': 'true' }) } },
        }))
        const allowed = nodes.filter((node) => affinity.allows(node)).map(({ metadata }) => metadata.name)
        const expected = {
          asked: ['kosmos-leaf1', 'kosmos-leaf3', 'worker'],
          node: ['kosmos-leaf1'],
          own: ['worker'],
          preferred: ['kosmos-leaf1', 'kosmos-leaf3', 'worker'],
        }
        assert.deepEqual(allowed, expected[aimedAt])
        const likes = nodes.map((node) => affinity.score(node))
        const base = 'affinity' in spec ? 1 : 0
        assert.deepEqual(likes, [aimedAt === 'preferred' ? 100 + base : base, base, base, base])
        await client.delete(pods, { namespace, name: 'aimed' }, { gracePeriodSeconds: 0 })
      }
    }
    await label(null)
    while (isGated(await admitted(podLike()))) await sleep(20)
  })

  it("leaves pods that ask for the original's scheduler to the stock one", async () => {
    const { spec } = await admitted(podLike({ spec: { schedulerName: 'kosmos-scheduler' } }))
    assert.equal(spec.schedulerName, 'default-scheduler')
    const other = await admitted(podLike({ spec: { schedulerName: 'volcano' } }))
    assert.equal(other.spec.schedulerName, 'volcano')
  })
})
