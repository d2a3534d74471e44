import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  customResourceDefinition,
  indexedLabel,
  type Kind,
  policyIndexKind,
  policyIndexNames,
  systemNamespace,
} from '@kosmos/api'
import {
  type Client,
  customResourceDefinitions,
  Informer,
  type KubeObject,
  NodeAffinity,
  namespaces,
  pods,
  serviceAccounts,
} from '@kosmos/kube'
import fc from 'fast-check'
import { type AdmittingRoot, startAdmittingRoot } from '../admitting-root.fixture.ts'
import { openPatch } from '../placement/patch.ts'
import { isGated } from '../placement/standing.ts'
import { podLike } from '../pods.fixture.ts'
import { PolicyIndexController } from '../policy-index/controller.ts'
import { indexedKinds } from '../policy-index/kinds.ts'
import { policyIndexes } from '../policy-index/resource.ts'
import { Scheduler } from '../scheduler.ts'
import type { StoredDistribution } from './compiled-distribution.ts'
import { distributionLike } from './distribution.fixture.ts'
import { DistributionBook, scopeOf } from './distribution-book.ts'
import { clusterDistributionPolicies, distributionPolicies } from './resource.ts'
import { sampledPod, sampledPolicy } from './samples.fixture.ts'

describe('pods that a DistributionPolicy means, on an API server', () => {
  let root: AdmittingRoot
  let client: Client
  const resourceOf = (stored: StoredDistribution) =>
    scopeOf(stored) === '' ? clusterDistributionPolicies : distributionPolicies
  // Each where no other policy of its kind means it: those of the whole root mean no pod of kube-system.
  const probes = [
    distributionLike([{ policyName: 'mix', name: 'probe' }], { name: 'z-probe', namespace: 'kube-system' }),
    distributionLike([{ policyName: 'mix', name: 'probe' }], { name: 'z-probe', namespace: undefined }),
  ]
  const podIn = (namespace: string, name: string) => {
    const pod = podLike({ name })
    return { ...pod, metadata: { ...pod.metadata, namespace } }
  }
  const areProbesGated = async (wanted: boolean, name = 'probe') => {
    for (const namespace of ['kube-system', 'other']) {
      while (isGated(await root.admitted(podIn(namespace, name))) !== wanted) await sleep(20)
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
    for (const name of [systemNamespace, 'other']) await client.create(namespaces, { metadata: { name } })
    // Without a controller manager nobody makes the account.
    for (const namespace of ['kube-system', 'other']) {
      await client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
    }
  })
  after(() => root?.stop())

  const areGatedAsMeant = async (all: readonly StoredDistribution[], count: number) => {
    const book = new DistributionBook()
    for (const one of all) book.set(one)
    for (const { isGenerated, ...of } of fc.sample(sampledPod, count)) {
      const { metadata, ...rest } = podLike(of)
      const { name, ...generated } = metadata
      const asked = isGenerated ? { ...rest, metadata: { ...generated, generateName: name } } : { ...rest, metadata }
      const admitted = await root.admitted(asked as ReturnType<typeof podLike>)
      const isMeant = book.of(admitted) !== undefined
      const why = () => JSON.stringify([asked, all.map(({ spec }) => spec.resourceSelectors)])
      if (!isGenerated || isMeant) assert.equal(isGated(admitted), isMeant, why())
    }
  }
  const sampled = (count: number) =>
    fc
      .sample(fc.array(sampledPolicy, { minLength: 1, maxLength: 3 }), count)
      .map((parts) =>
        parts.map(({ selectors, namespace }, i) => distributionLike(selectors, { name: `p${i}`, namespace })),
      )

  it('wait for the scheduler, and no others whose names are known when they are admitted', async () => {
    for (const all of sampled(6)) {
      await store(...all)
      await areGatedAsMeant(all, 50)
      await remove()
    }
  })

  it('wait, and no others, when indexes say which pods are meant', async () => {
    const write = async (
      namespace: string,
      ofIndex: readonly StoredDistribution[],
      index: keyof typeof policyIndexNames,
    ) => {
      const name = policyIndexNames[index]
      const { entriesOf, spec } = indexedKinds[name] ?? assert.fail()
      const object = { metadata: { namespace, name }, ...{ spec: spec(ofIndex.flatMap(entriesOf)) } }
      const applied = await client.apply(policyIndexes, object)
      assert(applied.ok, JSON.stringify(applied))
    }
    /** In indexes only, whose last ones tell that the API server knows all of them. */
    const indexed = distributionLike([{ policyName: 'mix', name: 'indexed' }], { name: 'indexed' })
    const writeAll = async (all: readonly StoredDistribution[], others: readonly StoredDistribution[]) => {
      const [own, clusterWide] = [all.filter((one) => scopeOf(one) !== ''), all.filter((one) => scopeOf(one) === '')]
      await write('shop', own, 'DistributionPolicy')
      await write('kube-system', others, 'DistributionPolicy')
      await write(systemNamespace, [...clusterWide, ...others], 'ClusterDistributionPolicy')
    }
    const means = (all: readonly StoredDistribution[]) => {
      const book = new DistributionBook()
      for (const one of all) book.set(one)
      return book.of(podIn('other', 'probe')) !== undefined
    }
    for (const all of sampled(20)
      .filter((one) => !means(one))
      .slice(0, 4)) {
      await store(...all)
      await writeAll(all, [indexed])
      await areProbesGated(true, 'indexed')
      // The probes are in no index, so they tell when the API server asks nobody any more who has the label.
      for (const one of [...all, ...probes]) {
        const labels = { [indexedLabel]: 'true' }
        const marked = await client.patch(resourceOf(one), one.metadata, { metadata: { labels } }, { type: 'merge' })
        assert(marked.ok, JSON.stringify(marked))
      }
      await areProbesGated(false)
      await areGatedAsMeant(all, 40)
      await remove()
      await writeAll([], [])
      await areProbesGated(false, 'indexed')
    }
  })

  it('wait at every moment while the scheduler makes an index for the whole root, and somebody changes a policy in it', async () => {
    const index = policyIndexNames.ClusterDistributionPolicy
    const key = `${systemNamespace}/${index}`
    const stop = new AbortController()
    const known = new Informer({ client, resource: clusterDistributionPolicies })
    const indexes = new Informer({ client, resource: policyIndexes })
    const { controller } = new PolicyIndexController({
      root: client,
      policiesOf: () => known.store.values(),
      indexOf: (of) => indexes.get(of),
      synced: Promise.all([known.synced, indexes.synced]),
      settleMs: 300,
    })
    for (const one of [known, indexes]) one.subscribe(() => controller.enqueue(key))
    const running = Promise.all([known, indexes, controller].map((one) => one.run(stop.signal)))
    const marked = async () =>
      (await client.listAll(clusterDistributionPolicies, { labelSelector: indexedLabel })).length
    const of = (name: string) => distributionLike([{ policyName: 'leaf', name }], { name, namespace: undefined })
    const isNameGated = async (name: string) => isGated(await root.admitted(podLike({ name })))
    await store(of('web-0'), of('db-0'))
    while ((await marked()) < 3) {
      assert((await isNameGated('web-0')) && (await isNameGated('db-0')))
      await sleep(50)
    }
    assert((await isNameGated('web-0')) && !(await isNameGated('cache-0')))
    const refused = await client.delete(policyIndexes, { namespace: systemNamespace, name: index })
    assert(!refused.ok)
    assert.match(refused.status.message ?? '', /admission selects pods by it/)

    const spec = { resourceSelectors: [{ policyName: 'leaf', name: 'cache-0' }] }
    const changed = await client.patch(clusterDistributionPolicies, { name: 'db-0' }, { spec }, { type: 'merge' })
    assert(changed.ok)
    assert.equal(changed.object.metadata.labels?.[indexedLabel], undefined)
    while (!(await isNameGated('cache-0'))) await sleep(20)
    while ((await isNameGated('db-0')) || (await marked()) < 3) {
      assert(await isNameGated('cache-0'))
      await sleep(50)
    }
    await remove()
    while (await client.get(policyIndexes, { namespace: systemNamespace, name: index })) await sleep(50)
    stop.abort()
    await running
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

  it('wait as well in a root that is older than the scheduler, which says what is missing and goes on when it is there', async () => {
    const current = customResourceDefinition(policyIndexKind)
    const { distributions: _, ...known } = (policyIndexKind.spec as unknown as { properties: object }).properties as {
      distributions: object
    }
    const older = customResourceDefinition({
      ...policyIndexKind,
      spec: { ...policyIndexKind.spec, properties: known } as Kind['spec'],
    })
    assert((await client.delete(customResourceDefinitions, current.metadata)).ok)
    while (await client.get(customResourceDefinitions, current.metadata)) await sleep(50)
    await store()

    const stop = new AbortController()
    const told: string[] = []
    const heard = async (pattern: RegExp) => {
      for (const deadline = Date.now() + 60_000; !told.some((line) => pattern.test(line)); await sleep(50)) {
        assert(Date.now() < deadline, `${pattern} is never told: ${told.join('; ')}`)
      }
    }
    const scheduler = new Scheduler({
      root: client,
      takeBackAfterMs: 0,
      indexSettleMs: 300,
      record: () => {},
      log: (_, event, fields) => told.push(`${event} ${JSON.stringify(fields)}`),
      onReconcile: ({ error }) => error && told.push(error.message),
    })
    const running = scheduler.run(stop.signal)
    await scheduler.synced
    await heard(/watch.refused .*policyindexes.kosmos.io.*does not serve.*kosmosctl install/)
    const more = [0, 1].map((i) => distributionLike([{ policyName: 'mix', name: `web-${i}` }], { name: `web-${i}` }))
    for (const one of more) {
      const { uid: _, resourceVersion: __, generation: ___, creationTimestamp: ____, ...metadata } = one.metadata
      assert((await client.create(distributionPolicies, { ...one, metadata } as KubeObject)).ok)
    }
    while (!isGated(await root.admitted(podLike({ name: 'web-1' })))) await sleep(20)
    assert((await client.create(customResourceDefinitions, older)).ok)
    await heard(/watch.allowed .*policyindexes.kosmos.io/)
    await heard(/PolicyIndex shop\/distribution-policies: .*older.*kosmosctl install/)
    assert((await client.apply(customResourceDefinitions, current)).ok)
    const mine = { namespace: 'shop', labelSelector: `!${indexedLabel}` }
    const unmarked = async () => await client.listAll(distributionPolicies, mine)
    while ((await unmarked()).length > 0) assert(isGated(await root.admitted(podLike({ name: 'web-1' }))))
    await remove()
    stop.abort()
    await running
  })
})
