import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { placementGate, virtualNodesLabel } from '@kosmos/api'
import { type Client, type KubeObject, NodeAffinity, namespaces, type Pod, pods } from '@kosmos/kube'
import fc from 'fast-check'
import { type AdmittingRoot, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { seatPatch } from '../placement/patch.ts'
import { type PodParts, podLike, policyLike } from '../pods.fixture.ts'
import { compilePolicy, policyOf, type StoredPolicy } from './compiled-policy.ts'
import { workloadPolicies } from './resource.ts'

const namespace = 'shop'

const key = fc.constantFrom('app', 'tier', 'example.org/team')
const value = fc.constantFrom('web', 'db', '')
const expression = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.uniqueArray(value, { minLength: 1 }),
  }),
  fc.record({ key, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
)
const labelSelector = fc.record(
  { matchLabels: fc.dictionary(key, value, { maxKeys: 2 }), matchExpressions: fc.array(expression, { maxLength: 2 }) },
  { requiredKeys: [] },
)
const workload = fc.record({
  kind: fc.constantFrom('Deployment' as const, 'StatefulSet' as const, 'ReplicaSet' as const, 'Job' as const),
  name: fc.constantFrom('web', 'web-1'),
})
const allocationPolicy = [{ name: 'leaf1', weight: 1 }]
const policies = fc
  .array(
    fc.oneof(
      labelSelector.map((selector) => ({ labelSelector: selector })),
      workload.map((one) => ({ workload: one })),
    ),
    { minLength: 2, maxLength: 3 },
  )
  .map((all) => all.map((selection, i) => policyLike({ ...selection, allocationPolicy }, `policy-${i}`)))

const podLabels = fc.record(
  {
    app: value,
    tier: value,
    'example.org/team': value,
    'pod-template-hash': fc.constantFrom('1', '6d9f'),
    'workload-policy/kosmos.io': fc.constantFrom('policy-0', 'policy-1', 'nobody'),
  },
  { requiredKeys: [] },
)
const podParts: fc.Arbitrary<PodParts> = fc.record(
  {
    labels: podLabels,
    owner: fc.record({
      kind: fc.constantFrom('ReplicaSet', 'StatefulSet', 'Job', 'DaemonSet'),
      name: fc.constantFrom('web', 'web-1', 'web-6d9f', 'web-1-6d9f'),
    }),
  },
  { requiredKeys: [] },
)

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
  const remove = async () => {
    for (const { metadata } of await client.listAll(workloadPolicies, { namespace }))
      await client.delete(workloadPolicies, metadata)
    while (isGated(await admitted(podLike({ labels: { probe: 'yes' } })))) await sleep(20)
  }

  it('is on exactly those pods that a policy selects', async () => {
    for (const all of fc.sample(policies, 8)) {
      await store(all)
      const compiled = all.map(compilePolicy)
      for (const parts of fc.sample(podParts, 60)) {
        const pod = podLike(parts)
        const expected = policyOf(pod, compiled) !== undefined
        const why = () => JSON.stringify([parts, all.map(({ spec }) => spec)])
        assert.equal(isGated(await admitted(pod)), expected, why())
      }
      await remove()
    }
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
        { avoid: ['kosmos-leaf2', 'kosmos-leaf3'] },
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

  it("leaves pods that ask for the original's scheduler to the stock one", async () => {
    const { spec } = await admitted(podLike({ spec: { schedulerName: 'kosmos-scheduler' } }))
    assert.equal(spec.schedulerName, 'default-scheduler')
    const other = await admitted(podLike({ spec: { schedulerName: 'volcano' } }))
    assert.equal(other.spec.schedulerName, 'volcano')
  })
})
