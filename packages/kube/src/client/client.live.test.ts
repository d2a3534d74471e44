import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { before, describe, it } from 'node:test'
import { liveCluster } from '../live.fixture.ts'
import { configMaps, namespaces, nodes, pods, resource, secrets, serviceAccounts } from '../objects/resources.ts'
import type { ConfigMap, KubeObject } from '../objects/types.ts'
import type { Client } from './client.ts'
import { type Outcome, unwrap } from './outcome.ts'
import { objectPath } from './path.ts'

describe('the verbs of the API on a real API server', { timeout: 300_000 }, () => {
  const cluster = liveCluster()
  const namespace = 'verbs'
  let client: Client
  before(async () => {
    client = await cluster.client('kosmos-one')
    await cluster.namespace(namespace)
  })

  async function created(name: string, data: Record<string, string> = {}): Promise<ConfigMap> {
    const object = unwrap(await client.create(configMaps, { metadata: { name, namespace }, data } as ConfigMap))
    assert.ok(object)
    return object
  }
  const reasonOf = (outcome: Outcome<unknown>) => (outcome.ok ? 'ok' : outcome.reason)
  const absentKind = resource('nobody.example/v1', 'Thing', 'things', 'Namespaced')
  const absentResource = resource('apps/v1', 'Thing', 'things', 'Namespaced')

  it('create gives the object, or says that its name is taken or its namespace missing', async () => {
    const object = await created('new', { a: 'ä' })
    assert.equal(object.data?.a, 'ä')
    const { body } = await client.connection.open({ method: 'GET', path: objectPath(configMaps, object.metadata) })
    assert.match(await text(body), /"manager":"kosmos-one"/)
    assert.equal(reasonOf(await client.create(configMaps, { metadata: { name: 'new', namespace } })), 'AlreadyExists')
    const elsewhere = { metadata: { name: 'new', namespace: 'nowhere' } }
    assert.equal(reasonOf(await client.create(configMaps, elsewhere)), 'NotFound')
  })

  it('a refusal by validation is Invalid, also when the object is too large', async () => {
    assert.equal(reasonOf(await client.create(configMaps, { metadata: { name: 'A_B', namespace } })), 'Invalid')
    const wrong = { metadata: { name: 'wrong', namespace }, data: 'text' } as never
    assert.equal(reasonOf(await client.create(configMaps, wrong)), 'Invalid')
    const large = { metadata: { name: 'large', namespace }, data: { a: 'x'.repeat(4 << 20) } } as never
    assert.equal(reasonOf(await client.create(configMaps, large)), 'Invalid')
  })

  it('get gives the object or nothing, and nothing only if the API server says so', async () => {
    await created('present')
    assert.equal((await client.get(configMaps, { namespace, name: 'present' }))?.metadata.name, 'present')
    assert.equal(await client.get(configMaps, { namespace, name: 'absent' }), undefined)
    for (const kind of [absentKind, absentResource]) {
      await assert.rejects(client.get(kind, { namespace, name: 'absent' }), { name: 'ApiError', code: 404 })
      await assert.rejects(client.delete(kind, { namespace, name: 'absent' }), { name: 'ApiError', code: 404 })
    }
  })

  it('getMetadata gives whose an object is, and nothing of its content', async () => {
    const metadata = { namespace, name: 'sealed', labels: { a: 'b' } }
    unwrap(await client.create(secrets, { metadata, stringData: { password: 'precious' } } as KubeObject))
    const seen = await client.getMetadata(secrets, metadata)
    assert.deepEqual(seen?.metadata?.labels, { a: 'b' })
    assert.ok(!('data' in seen))
    assert.equal(await client.getMetadata(secrets, { namespace, name: 'absent' }), undefined)
  })

  it('replace needs the version that was read', async () => {
    const object = await created('replaced')
    const next = { ...object, data: { a: '1' } }
    assert.equal(reasonOf(await client.replace(configMaps, next)), 'ok')
    assert.equal(reasonOf(await client.replace(configMaps, next)), 'Conflict')
  })

  it('a patch meets the incarnation and the version that it names, or nobody', async () => {
    const object = await created('patched')
    const ref = { namespace, name: 'patched' }
    const patch = (metadata: object, type: 'merge' | 'strategic') =>
      client.patch(configMaps, ref, { metadata, data: { a: '1' } }, { type })
    for (const type of ['merge', 'strategic'] as const) {
      assert.equal(reasonOf(await patch({ uid: object.metadata.uid }, type)), 'ok')
      assert.equal(reasonOf(await patch({ uid: 'other' }, type)), 'OtherIncarnation')
      assert.equal(reasonOf(await patch({ resourceVersion: '1' }, type)), 'Conflict')
    }
    const jsonPatch = [{ op: 'test', path: '/metadata/uid', value: 'other' }]
    assert.equal(reasonOf(await client.patch(configMaps, ref, jsonPatch, { type: 'json' })), 'Invalid')
    assert.equal(
      reasonOf(await client.patch(configMaps, { namespace, name: 'absent' }, { data: {} }, { type: 'merge' })),
      'NotFound',
    )
  })

  it('apply creates, owns its fields, takes them over by force only, and meets one incarnation', async () => {
    const other = await cluster.client('kosmos-two')
    const object = (data: object, metadata: object = {}) =>
      ({ metadata: { name: 'applied', namespace, ...metadata }, data }) as never
    assert.equal(reasonOf(await client.apply(configMaps, object({ a: '1' }))), 'ok')
    assert.equal(reasonOf(await other.apply(configMaps, object({ a: '2' }), { force: false })), 'Conflict')
    assert.equal(unwrap(await other.apply(configMaps, object({ a: '2' })))?.data?.a, '2')
    assert.equal(reasonOf(await client.apply(configMaps, object({ b: '1' }, { uid: 'other' }))), 'OtherIncarnation')
    await client.delete(configMaps, { namespace, name: 'applied' })
    assert.equal(reasonOf(await client.apply(configMaps, object({ b: '1' }, { uid: 'other' }))), 'NotFound')
  })

  it('delete meets the incarnation and the version that it names, or nobody, and is done twice without harm', async () => {
    const object = await created('deleted')
    const ref = { namespace, name: 'deleted' }
    assert.equal(reasonOf(await client.delete(configMaps, ref, { uid: 'other' })), 'OtherIncarnation')
    assert.equal(reasonOf(await client.delete(configMaps, ref, { resourceVersion: '1' })), 'Conflict')
    assert.equal(reasonOf(await client.delete(configMaps, ref, { uid: object.metadata.uid })), 'ok')
    assert.equal(reasonOf(await client.delete(configMaps, ref)), 'NotFound')
  })

  it('writes tell the version written and nothing of the content, if asked to', async () => {
    const brief = { metadataOnly: true }
    const metadata = { name: 'brief', namespace }
    const written = [
      await client.create<KubeObject>(configMaps, { metadata, data: { a: '1' } } as KubeObject, brief),
      await client.patch<KubeObject>(configMaps, metadata, { data: { a: '2' } }, { type: 'merge', ...brief }),
      await client.delete<KubeObject>(configMaps, metadata, brief),
    ]
    const answers = written.map((outcome) => (outcome.ok ? outcome.object : undefined))
    assert.ok(Number(answers[1]?.metadata?.resourceVersion) > Number(answers[0]?.metadata?.resourceVersion))
    // A deletion is answered by a Status, which has no content either.
    assert.deepEqual(
      answers.map((answer) => [answer?.kind, answer && 'data' in answer]),
      [
        ['PartialObjectMetadata', false],
        ['PartialObjectMetadata', false],
        ['Status', false],
      ],
    )
    assert.equal(reasonOf(await client.create(configMaps, { metadata: { name: 'A_B', namespace } }, brief)), 'Invalid')
  })

  it('an empty name deletes nothing', async () => {
    await created('spared')
    await assert.rejects(client.delete(configMaps, { namespace, name: '' }), TypeError)
    await assert.rejects(client.delete(nodes, { name: '' }), TypeError)
    assert.ok(await client.get(configMaps, { namespace, name: 'spared' }))
  })

  it('a dry run of every write changes nothing', async () => {
    const object = await created('dry', { a: '1' })
    const ref = { namespace, name: 'dry' }
    const dryRun = true
    const fresh = { metadata: { name: 'never', namespace } }
    const changed = { ...object, data: { a: '2' } }
    const applied = { metadata: ref, data: { a: '2' } } as never
    await client.create(serviceAccounts, { metadata: { name: 'sa', namespace } })
    for (const outcome of [
      await client.create(configMaps, fresh, { dryRun }),
      await client.replace(configMaps, changed, { dryRun }),
      await client.patch(configMaps, ref, { data: { a: '2' } }, { dryRun, type: 'merge' }),
      await client.apply(configMaps, applied, { dryRun }),
      await client.delete(configMaps, ref, { dryRun }),
    ]) {
      assert.equal(reasonOf(outcome), 'ok')
    }
    assert.equal(await client.get(configMaps, { namespace, name: 'never' }), undefined)
    assert.deepEqual(await client.get(configMaps, ref), { apiVersion: 'v1', kind: 'ConfigMap', ...object })
  })

  it('a dry run of a binding leaves the pod unbound', async () => {
    await client.create(serviceAccounts, { metadata: { name: 'default', namespace } })
    const spec = { containers: [{ name: 'c', image: 'i' }], automountServiceAccountToken: false }
    const pod = unwrap(await client.create(pods, { metadata: { name: 'p', namespace }, spec } as never))
    assert.ok(pod)
    const ref = { namespace, name: 'p' }
    const binding = (uid: string) =>
      ({ metadata: { name: 'p', namespace, uid }, target: { kind: 'Node', name: 'n' } }) as never
    const { uid } = pod.metadata
    assert.equal(reasonOf(await client.createFor(pods, ref, 'binding', binding(uid), { dryRun: true })), 'ok')
    assert.equal((await client.get(pods, ref))?.spec.nodeName, undefined)
    assert.equal(reasonOf(await client.createFor(pods, ref, 'binding', binding('other'))), 'OtherIncarnation')
    assert.equal(reasonOf(await client.createFor(pods, ref, 'binding', binding(uid))), 'ok')
    assert.equal((await client.get(pods, ref))?.spec.nodeName, 'n')
  })

  it('a token for another incarnation of a Secret is refused as such', async () => {
    await client.create(serviceAccounts, { metadata: { name: 'bound', namespace } })
    await client.create(secrets, { metadata: { name: 's', namespace } })
    const request = (uid?: string) =>
      ({ spec: { audiences: ['x'], boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: 's', uid } } }) as never
    const ask = (uid?: string) =>
      client.createFor<{ status: { token: string } }>(
        serviceAccounts,
        { namespace, name: 'bound' },
        'token',
        request(uid),
      )
    assert.equal(reasonOf(await ask('other')), 'OtherIncarnation')
    assert.ok(unwrap(await ask())?.status.token)
  })

  it('a list comes in pages of one point in time, selected by the server, with apiVersion and kind', async () => {
    const place = await cluster.namespace('listed')
    for (let i = 0; i < 7; i++) {
      await client.create(configMaps, { metadata: { name: `n${i}`, namespace: place, labels: { odd: String(i % 2) } } })
    }
    const pages = []
    for await (const page of client.list(configMaps, { namespace: place, limit: 3 })) {
      pages.push(page)
      await client.create(configMaps, { metadata: { name: `meanwhile${pages.length}`, namespace: place } })
    }
    assert.deepEqual(
      pages.map(({ items }) => items.length),
      [3, 3, 1],
    )
    assert.equal(new Set(pages.map(({ resourceVersion }) => resourceVersion)).size, 1)
    const odd = await client.listAll(configMaps, { namespace: place, labelSelector: 'odd=1' })
    assert.deepEqual(
      odd.map(({ kind, apiVersion, metadata }) => `${apiVersion} ${kind} ${metadata.name}`),
      ['v1 ConfigMap n1', 'v1 ConfigMap n3', 'v1 ConfigMap n5'],
    )
    const metadataOnly = await client.listAll(configMaps, { namespace: place, metadataOnly: true })
    assert.equal(metadataOnly.length, 10)
    assert.ok(metadataOnly.every((object) => object.data === undefined && object.metadata.uid))
    assert.deepEqual(await client.listAll(configMaps, { namespace: 'nowhere', metadataOnly: true }), [])
  })

  it('a list comes in smaller pages where so many objects are too long for an answer, and a single one that is says so', async () => {
    const place = await cluster.namespace('long')
    for (let i = 0; i < 9; i++) {
      const data = { a: 'x'.repeat(100 << 10) }
      await client.create(configMaps, { metadata: { name: `n${i}`, namespace: place }, data } as KubeObject)
    }
    const small = await cluster.client('kosmos-test', { maxAnswerBytes: 256 << 10 })
    const pages = []
    for await (const { items } of small.list(configMaps, { namespace: place })) pages.push(items.length)
    assert.deepEqual(pages, [2, 2, 2, 2, 1])
    const smaller = await cluster.client('kosmos-test', { maxAnswerBytes: 64 << 10 })
    const tooLong =
      /no answer from .*: GET \/api\/v1\/namespaces\/long\/configmaps: the answer is longer than 0.0625 MiB/
    await assert.rejects(smaller.listAll(configMaps, { namespace: place }), tooLong)
  })

  it('what is not a resource is read as it is, and every status but 200 is an error with its place', async () => {
    assert.equal(await client.raw('/readyz'), 'ok')
    assert.match(((await client.raw('/version')) as { gitVersion: string }).gitVersion, /^v1\./)
    await assert.rejects(client.raw('/nothing?token=hunter2'), (error: Error) => {
      assert.match(error.message, /^cluster: GET \/nothing: /)
      assert.doesNotMatch(error.message, /hunter2/)
      return true
    })
  })

  it('a cluster-scoped object has no namespace, a namespaced one needs it', async () => {
    assert.equal((await client.get(namespaces, { name: namespace }))?.metadata.name, namespace)
    await assert.rejects(client.get(configMaps, { name: 'x' }), /ConfigMap x: a namespace is needed/)
    await assert.rejects(client.create(configMaps, { metadata: { name: 'x' } }), /ConfigMap: a namespace is needed/)
  })
})
