import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, type KubeObject, NodeAffinity, pods, serviceAccounts } from '@kosmos/kube'
import fc from 'fast-check'
import { type AdmittingRoot, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { openPatch } from '../placement/patch.ts'
import { isGated } from '../placement/standing.ts'
import { podLike } from '../pods.fixture.ts'
import type { StoredDistribution } from './compiled-distribution.ts'
import { distributionLike } from './distribution.fixture.ts'
import { DistributionBook, scopeOf } from './distribution-book.ts'
import { clusterDistributionPolicies, distributionPolicies } from './resource.ts'

const value = fc.constantFrom('web', 'db')
const labelSelector = fc.record(
  {
    matchLabels: fc.dictionary(fc.constantFrom('app', 'tier'), value, { maxKeys: 2 }),
    matchExpressions: fc.array(
      fc.oneof(
        fc.record({
          key: fc.constantFrom('app', 'tier'),
          operator: fc.constantFrom('In' as const, 'NotIn' as const),
          values: fc.uniqueArray(value, { minLength: 1 }),
        }),
        fc.record({
          key: fc.constantFrom('app', 'tier'),
          operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const),
        }),
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
)
const policyName = fc.constantFrom('host', 'leaf', 'mix')
const selector = fc.oneof(
  fc.record({ policyName, name: fc.constantFrom('web-0', 'db-0') }),
  fc.record({ policyName, namePrefix: fc.constantFrom('web-', 'w', 'web-0', 'db-') }),
  fc.record({ policyName, labelSelector }),
)
const policy = fc.record({
  selectors: fc.array(selector, { minLength: 1, maxLength: 2 }),
  namespace: fc.constantFrom('shop', undefined),
})
const pod = fc.record({
  name: fc.constantFrom('web-0', 'web-00', 'db-0', 'x'),
  labels: fc.record({ app: value, tier: value }, { requiredKeys: [] }),
  isGenerated: fc.boolean(),
})

describe('pods that a DistributionPolicy means, on an API server', () => {
  let root: AdmittingRoot
  let client: Client
  const resourceOf = (stored: StoredDistribution) =>
    scopeOf(stored) === '' ? clusterDistributionPolicies : distributionPolicies
  const probes = [
    distributionLike([{ policyName: 'mix', name: 'probe-of-shop' }], { name: 'z-probe' }),
    distributionLike([{ policyName: 'mix', name: 'probe-of-all' }], { name: 'z-probe', namespace: undefined }),
  ]
  const areProbesGated = async (wanted: boolean) => {
    for (const name of ['probe-of-shop', 'probe-of-all']) {
      while (isGated(await root.admitted(podLike({ name }))) !== wanted) await sleep(20)
    }
  }
  const store = async (...all: StoredDistribution[]) => {
    for (const one of [...all, ...probes]) {
      const { uid: _, resourceVersion: __, generation: ___, creationTimestamp: ____, ...metadata } = one.metadata
      const outcome = await client.create(resourceOf(one), { ...one, metadata } as KubeObject)
      assert(outcome.ok, JSON.stringify(outcome))
    }
    // The admission of the API server watches them.
    await areProbesGated(true)
  }
  const remove = async () => {
    for (const resource of [distributionPolicies, clusterDistributionPolicies]) {
      for (const { metadata } of await client.listAll(resource)) await client.delete(resource, metadata)
    }
    await areProbesGated(false)
  }

  before(async () => {
    root = await startAdmittingRoot('distribution')
    client = root.client
  })
  after(() => root?.stop())

  it('wait for the scheduler, and no others whose names are known when they are admitted', async () => {
    for (const parts of fc.sample(fc.array(policy, { minLength: 1, maxLength: 3 }), 8)) {
      const all = parts.map(({ selectors, namespace }, i) => distributionLike(selectors, { name: `p${i}`, namespace }))
      const book = new DistributionBook()
      for (const one of all) book.set(one)
      await store(...all)
      for (const { isGenerated, ...of } of fc.sample(pod, 50)) {
        const { metadata, ...rest } = podLike(of)
        const { name, ...generated } = metadata
        const asked = isGenerated ? { ...rest, metadata: { ...generated, generateName: name } } : { ...rest, metadata }
        const admitted = await root.admitted(asked as ReturnType<typeof podLike>)
        const isMeant = book.of(admitted) !== undefined
        const why = () => JSON.stringify([asked, all.map(({ spec }) => spec.resourceSelectors)])
        if (!isGenerated || isMeant) assert.equal(isGated(admitted), isMeant, why())
      }
      await remove()
    }
  })

  it('are not those of kube-system and of a DaemonSet, whatever is said for all', async () => {
    const everything = distributionLike([{ policyName: 'leaf' }], { namespace: undefined, name: 'everything' })
    await store(everything)
    assert(isGated(await root.admitted(podLike())))
    const owner = { kind: 'DaemonSet', name: 'agent' }
    assert(!isGated(await root.admitted(podLike({ owner }))))
    const { metadata, spec } = podLike()
    const accounts = { automountServiceAccountToken: false, containers: [{ name: 'main', image: 'busybox' }] }
    const object = { metadata: { namespace: 'kube-system', name: metadata.name }, spec: { ...spec, ...accounts } }
    // Without a controller manager nobody makes the account.
    await client.create(serviceAccounts, { metadata: { namespace: 'kube-system', name: 'default' } })
    const outcome = await client.create(pods, object as KubeObject, { dryRun: true })
    assert(outcome.ok, JSON.stringify(outcome))
    assert(!isGated(outcome.object))
    await remove()
  })

  it('get what their term says, beside what they ask for themselves', async () => {
    await store(distributionLike([{ policyName: 'host' }, { policyName: 'leaf', namePrefix: 'own-' }], { name: 'all' }))
    const book = new DistributionBook()
    for (const one of await client.listAll(distributionPolicies)) book.set(one)
    const nodeSelectorTerms = [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }]
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }
    const tolerations = [{ key: 'gpu', operator: 'Exists' }]
    for (const [name, spec] of [
      ['plain', {}],
      ['own-1', { affinity: { nodeAffinity }, tolerations }],
    ] as const) {
      const containers = [{ name: 'main', image: 'busybox' }]
      const metadata = { namespace: 'shop', name }
      const created = await client.create(pods, { metadata, spec: { ...spec, containers } } as KubeObject)
      assert(created.ok && isGated(created.object), JSON.stringify(created))
      const patch = openPatch(created.object, undefined, { distribution: book.of(created.object) })
      const outcome = await client.patch(pods, metadata, patch, { type: 'strategic' })
      assert(outcome.ok && !isGated(outcome.object), JSON.stringify(outcome))
      const affinity = new NodeAffinity(outcome.object.spec)
      const real = { metadata: { name: 'worker', labels: { zone: 'a' } } }
      const virtual = { metadata: { name: 'kosmos-leaf1', labels: { zone: 'a', 'kosmos.io/node': 'true' } } }
      assert.deepEqual([affinity.allows(real), affinity.allows(virtual)], [name === 'plain', name === 'own-1'])
      const keys = outcome.object.spec.tolerations?.map(({ key }) => key) ?? []
      assert.equal(keys.includes('kosmos.io/node'), name === 'own-1')
      assert.equal(keys.includes('gpu'), name === 'own-1')
      await client.delete(pods, metadata, { gracePeriodSeconds: 0 })
    }
    await remove()
  })
})
