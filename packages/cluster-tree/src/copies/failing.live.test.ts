import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { configMaps, events, type KubeObject, type Resource, secrets, services, unwrap } from '@kosmos/kube'
import type { Log } from '@kosmos/kube/process'
import { type FaultProxy, startFaultProxy } from '@kosmos/testbed'
import { clusterSays, joinLeaf, runTree } from '../leaf/fixture.ts'
import { eventually, type LiveCluster, startCluster } from '../live.fixture.ts'
import { copied, isToldOf, saysOnPod, use } from './told.fixture.ts'

const namespace = 'default'

describe('a pod in a leaf whose API server answers with errors', () => {
  const stop = new AbortController()
  const logged: string[] = []
  const log: Log = (...line) => void logged.push(JSON.stringify(line))
  let root: LiveCluster
  let leaf: LiveCluster
  let proxy: FaultProxy
  let running: Promise<void>

  const ref = (name: string) => ({ namespace, name })
  const store = async (resource: Resource, name: string, content: object) =>
    unwrap(await root.client.create(resource, { metadata: ref(name), ...content } as KubeObject))
  /** From here on nothing of a kind is made there. */
  const fail = (plural: string) =>
    proxy.answer(500, {
      match: (method, path) => method === 'POST' && path.startsWith(`/api/v1/namespaces/${namespace}/${plural}`),
      message: 'no transformer for "precious"',
    })
  before(async () => {
    ;[root, leaf] = await Promise.all([startCluster('root'), startCluster('leaf')])
    proxy = await startFaultProxy({ target: leaf.controlPlane })
    const { kubeconfig } = proxy
    await joinLeaf(root, { ...leaf, controlPlane: { ...leaf.controlPlane, kubeconfig } })
    running = runTree(root, log, stop.signal)
    running.catch(() => {})
    await clusterSays(root, 'CredentialsValid', 'True CredentialsAccepted')
  })
  after(async () => {
    stop.abort()
    await running
    await proxy?.close()
    await Promise.all([root?.end(), leaf?.end()])
  })

  it('says which ConfigMap it waits for and what the error is, and starts when that is over', async () => {
    fail('configmaps')
    await store(configMaps, 'settings', { data: { colour: 'red' } })
    await use(root, 'reader', [{ configMapRef: { name: 'settings' } }])
    const why = /RefusedByLeaf: cluster leaf does not accept ConfigMap settings: .*error 500 .*: no transformer for/
    await saysOnPod(root, 'reader', why)
    await isToldOf(root, 'Pod', 'reader', /ConfigMap settings: .*no transformer/)
    await proxy.restore()
    await copied(leaf, 'reader')
  })

  it('says which Secret it waits for, in no words that could quote it, and starts when that is over', async () => {
    fail('secrets')
    await store(secrets, 'key', { data: { word: Buffer.from('precious').toString('base64') } })
    await use(root, 'opener', [{ secretRef: { name: 'key' } }])
    const why =
      /^RefusedByLeaf: cluster leaf does not accept Secret key: .*error 500 InternalError \(its words are left/
    await saysOnPod(root, 'opener', why)
    await isToldOf(root, 'Pod', 'opener', /Secret key: .*error 500/)
    assert.ok(logged.some((line) => /reconcile\.failed.*secrets\/default\/key/.test(line)))
    const told = JSON.stringify(
      await root.client.listAll(events, { namespace, fieldSelector: 'regarding.name=opener' }),
    )
    for (const said of [told, ...logged.filter((line) => line.includes('secrets/default/key'))])
      assert.doesNotMatch(said, /precious/)
    await proxy.restore()
    await copied(leaf, 'opener')
  })

  it('starts without a Service that is not made, which says so and is made when that is over', async () => {
    fail('services')
    await store(services, 'web', { spec: { ports: [{ port: 80 }] } })
    await isToldOf(root, 'Service', 'web', /error 500 .*no transformer/)
    await use(root, 'caller')
    await copied(leaf, 'caller')
    await proxy.restore()
    await eventually('the Service is in the leaf', () => leaf.client.get(services, ref('web')))
  })

  it('says what the error is when the pod itself is not made, and is made when that is over', async () => {
    fail('pods')
    await use(root, 'late')
    await saysOnPod(root, 'late', /^RefusedByLeaf: cluster leaf does not accept the pod: .*error 500 .*no transformer/)
    await proxy.restore()
    await copied(leaf, 'late')
  })
})
