import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { load } from 'js-yaml'
import { Registry } from 'prom-client'
import { createReviewAccess } from '../auth/access.ts'
import { Client } from '../client/client.ts'
import { unwrap } from '../client/outcome.ts'
import { Connection } from '../connection/connection.ts'
import { loadKubeConfig } from '../connection/kubeconfig.ts'
import { createTransport } from '../connection/transport.ts'
import { liveCluster } from '../live.fixture.ts'
import { resource, serviceAccounts } from '../objects/resources.ts'
import type { KubeObject } from '../objects/types.ts'
import { askPort, kubeconfig } from '../testing/index.ts'
import { serveHttp } from './http.ts'

const rbac = 'rbac.authorization.k8s.io'
const clusterRoles = resource(`${rbac}/v1`, 'ClusterRole', 'clusterroles', 'Cluster')
const clusterRoleBindings = resource(`${rbac}/v1`, 'ClusterRoleBinding', 'clusterrolebindings', 'Cluster')
const metricsReader = new URL('../../../../deploy/rbac/metrics-reader.yaml', import.meta.url)

describe('the port of probes and metrics', () => {
  const cluster = liveCluster()
  const reviews: string[] = []
  const logged: string[] = []
  const closing: (() => Promise<void>)[] = []
  let admin: Client

  const connect = async (text: string) => {
    const connection = new Connection('root', await createTransport(loadKubeConfig({ text })), {
      onRequest: ({ method, path }) => reviews.push(`${method} ${path.replace(/^.*\/|\?.*$/g, '')}`),
    })
    closing.push(() => connection.close())
    return new Client(connection, 'kosmos-test')
  }
  /** As a process that asks this API server with these credentials. */
  const served = async (text: string) => {
    const log = (...line: unknown[]) => logged.push(JSON.stringify(line))
    const at = { address: '127.0.0.1', port: 0, tls: undefined }
    const client = await connect(text)
    const http = await serveHttp({ ...at, client, log, registry: new Registry(), isReady: () => true })
    closing.unshift(() => http.close())
    return (path: string, token?: string) => askPort(`${http.url}${path}`, { token })
  }
  const account = async (name: string) => {
    const ref = { namespace: 'default', name }
    await admin.create(serviceAccounts, { metadata: ref })
    const answer = await admin.createFor<{ status: { token: string } }>(serviceAccounts, ref, 'token', {} as KubeObject)
    return unwrap(answer)?.status.token ?? ''
  }
  const bind = async (name: string, role: string) => {
    const roleRef = { apiGroup: rbac, kind: 'ClusterRole', name: role }
    const subjects = [{ kind: 'ServiceAccount', namespace: 'default', name }]
    unwrap(await admin.create(clusterRoleBindings, { metadata: { name }, roleRef, subjects } as object))
  }
  const endpoint = () => {
    const { server, ca } = cluster.controlPlane
    return { server, cluster: { 'certificate-authority-data': Buffer.from(ca).toString('base64') } }
  }
  let ask: Awaited<ReturnType<typeof served>>

  before(async () => {
    admin = await cluster.client()
    await admin.create(clusterRoles, load(readFileSync(metricsReader, 'utf8')) as KubeObject)
    await bind('reader', 'kosmos-metrics-reader')
    await bind('process', 'system:auth-delegator')
    // The authorizer hears of rights a moment after they are stored, and a refusal is remembered.
    for (const [name, asked] of [
      ['reader', { nonResourceAttributes: { path: '/metrics', verb: 'get' } }],
      [
        'process',
        { resourceAttributes: { group: 'authorization.k8s.io', resource: 'subjectaccessreviews', verb: 'create' } },
      ],
    ] as const) {
      const user = { name: `system:serviceaccount:default:${name}`, groups: [] }
      while (!(await createReviewAccess(admin)(user, asked))) await sleep(20)
    }
    ask = await served(kubeconfig({ ...endpoint(), user: { token: await account('process') } }))
  })
  after(async () => {
    for (const close of closing) await close()
  })

  it('says to anybody that the process lives and works, and nothing else', async () => {
    for (const path of ['/livez', '/healthz', '/readyz']) assert.deepEqual(await ask(path), { code: 200, text: 'ok' })
    for (const path of ['/metrics', '/', '/nowhere', '/livez/', '/readyz/etcd', '/METRICS', '//metrics']) {
      assert.deepEqual(await ask(path), { code: 401, text: 'Unauthorized' }, path)
    }
  })

  it('gives metrics to whom kosmos-metrics-reader is bound, and to nobody else', async () => {
    const [reader, other] = [await account('reader'), await account('other')]
    assert.equal((await ask('/metrics', reader)).code, 200)
    assert.equal((await ask('/metrics', `${reader.slice(0, -4)}AAAA`)).code, 401)
    assert.deepEqual(await ask('/metrics', other), {
      code: 403,
      text: 'Authorization denied for user system:serviceaccount:default:other: get /metrics',
    })
    assert.equal((await ask('/nowhere', reader)).code, 403)
  })

  it('asks the API server once about who comes again', async () => {
    const token = await account('reader')
    reviews.length = 0
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/metrics', token)))
    assert.ok(answers.every(({ code }) => code === 200))
    assert.deepEqual(reviews, ['POST tokenreviews', 'POST subjectaccessreviews'])
  })

  it('stays closed while the API server gives no verdict, and says why in the log only', async () => {
    const reader = await account('reader')
    const rightless = await served(kubeconfig({ ...endpoint(), user: { token: await account('other') } }))
    const unreachable = await served(kubeconfig({ server: 'https://127.0.0.1:1' }))
    for (const [ask, why] of [
      [rightless, /Kosmos needs \\"create\\" on tokenreviews/],
      [unreachable, /no answer from https:\/\/127\.0\.0\.1:1/],
    ] as const) {
      logged.length = 0
      assert.deepEqual(await ask('/metrics', reader), { code: 500, text: 'Authentication failed' })
      assert.match(logged.join('\n'), why)
      assert.ok(!logged.join('\n').includes(reader.slice(0, 20)))
      assert.equal((await ask('/metrics')).code, 401)
      assert.deepEqual(await ask('/readyz'), { code: 200, text: 'ok' })
    }
  })
})
