import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { liveCluster } from '../live.fixture.ts'
import { configMaps, resource } from '../objects/resources.ts'
import type { KubeObject } from '../objects/types.ts'
import { Informer } from '../reflector/informer.ts'

describe('an object that is all that an API server takes', { timeout: 300_000 }, () => {
  const cluster = liveCluster()

  const name = `${'n'.repeat(63)}.${'a'.repeat(63)}.${'m'.repeat(63)}.${'e'.repeat(61)}`
  /** The most that a ConfigMap may hold (1 MiB), of what JSON of the API writes with six bytes each. */
  const large = '<'.repeat(2 ** 20 - 2_000)
  const odd = 'é \u2028\u2029 \u0001 \\ " ,"managedFields":[ 👩‍🚀 \n\r\t שלום'
  const data = { large, odd, empty: '' }
  const annotations = { 'example.com/odd': odd, 'example.com/long': 'ü'.repeat(100_000) }

  it('comes back as it was sent: written, read, listed and watched', async (t) => {
    const namespace = await cluster.namespace('limits')
    const client = await cluster.client()
    const informer = new Informer({ client: await cluster.client(), resource: configMaps, namespace })
    const stop = new AbortController()
    const running = informer.run(stop.signal)
    t.after(async () => {
      stop.abort()
      await running
    })
    await informer.synced
    const same = (found: KubeObject | undefined, more: object = {}) => {
      const { metadata, data: held } = found as KubeObject & { data: typeof data }
      assert.equal(metadata?.name, name)
      assert.deepEqual(metadata?.annotations, annotations)
      assert.deepEqual(held, { ...data, ...more })
    }
    const ref = { namespace, name }
    const created = await client.create(configMaps, { metadata: { ...ref, annotations }, data } as KubeObject)
    assert.ok(created.ok)
    same(created.object)
    same(await client.get(configMaps, ref))
    same((await client.listAll(configMaps, { namespace }))[0])
    const watched = async (version: string) => {
      for (;;) {
        const held = informer.get(`${namespace}/${name}`)
        if (held?.metadata.resourceVersion === version) return held
        await sleep(20)
      }
    }
    same(await watched(created.object.metadata.resourceVersion))
    const patched = await client.patch(configMaps, ref, { data: { more: odd } }, { type: 'merge' })
    assert.ok(patched.ok)
    same(await watched(patched.object.metadata.resourceVersion), { more: odd })
    const another = new Informer({ client: await cluster.client(), resource: configMaps, namespace })
    const first = another.run(stop.signal)
    await another.synced
    same(another.get(`${namespace}/${name}`), { more: odd })
    assert.ok((await client.delete(configMaps, ref, { uid: created.object.metadata.uid })).ok)
    while (informer.store.size > 0) await sleep(20)
    stop.abort()
    await first
  })

  it('is refused as Invalid when it is a byte more', async () => {
    const namespace = await cluster.namespace('beyond')
    const client = await cluster.client()
    const beyond = { metadata: { namespace, name }, data: { large: '<'.repeat(2 ** 20 + 1) } } as KubeObject
    const refused = await client.create(configMaps, beyond)
    assert.ok(!refused.ok)
    assert.equal(refused.reason, 'Invalid')
  })
})

describe('an API server that has more watches and requests than it takes at once', { timeout: 300_000 }, () => {
  const cluster = liveCluster()

  it('is watched over as many connections as it takes: more watches than streams of one', async (t) => {
    const namespace = await cluster.namespace('watched')
    const client = await cluster.client()
    // An API server takes 100 streams a connection (--http2-max-streams-per-connection).
    const informers = Array.from({ length: 150 }, (_, i) => {
      return new Informer({ client, resource: configMaps, namespace, fieldSelector: `metadata.name=c${i}` })
    })
    const stop = new AbortController()
    const running = informers.map((informer) => informer.run(stop.signal))
    t.after(async () => {
      stop.abort()
      await Promise.all(running)
    })
    await Promise.all(informers.map(({ synced }) => synced))
    for (const i of informers.keys()) await client.create(configMaps, { metadata: { namespace, name: `c${i}` } })
    while (informers.some(({ store }) => store.size === 0)) await sleep(20)
  })

  it('serves everybody in the end whom its priority and fairness turns away', async () => {
    const answers: number[] = []
    const client = await cluster.client('kosmos-test', { onRequest: ({ code }) => answers.push(code) })
    const flows = 'flowcontrol.apiserver.k8s.io/v1'
    const levels = resource(flows, 'PriorityLevelConfiguration', 'prioritylevelconfigurations', 'Cluster')
    const schemas = resource(flows, 'FlowSchema', 'flowschemas', 'Cluster')
    const bindings = resource('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', 'Cluster')
    const subject = { kind: 'User', name: 'many', apiGroup: 'rbac.authorization.k8s.io' }
    const roleRef = { kind: 'ClusterRole', name: 'cluster-admin', apiGroup: 'rbac.authorization.k8s.io' }
    const limited = { nominalConcurrencyShares: 1, lendablePercent: 0, borrowingLimitPercent: 0 }
    const made = [
      await client.create(bindings, { metadata: { name: 'many' }, roleRef, subjects: [subject] } as object),
      await client.create(levels, {
        metadata: { name: 'few' },
        spec: { type: 'Limited', limited: { ...limited, limitResponse: { type: 'Reject' } } },
      } as object),
      await client.create(schemas, {
        metadata: { name: 'many' },
        spec: {
          priorityLevelConfiguration: { name: 'few' },
          matchingPrecedence: 2,
          rules: [
            {
              subjects: [{ kind: 'User', user: { name: 'many' } }],
              resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }],
            },
          ],
        },
      } as object),
    ]
    assert.ok(made.every(({ ok }) => ok))
    const ask = () =>
      client.connection.request({
        method: 'GET',
        path: '/api/v1/namespaces/default/configmaps',
        headers: { 'Impersonate-User': 'many' },
      })
    // The API server acts on the new level a moment later.
    while (!answers.includes(429)) {
      const served = await Promise.all(Array.from({ length: 60 }, ask))
      assert.deepEqual([...new Set(served.map(({ code }) => code))], [200])
    }
  })
})
