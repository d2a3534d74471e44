import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { json } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { type KubeObject, namespaces, nodes, pods, serviceAccounts, unwrap } from '@kosmos/kube'
import { type LiveCluster, startCluster } from '../../live.fixture.ts'
import { decide } from '../decide.ts'

const namespace = 'shop'
const ref = { namespace, name: 'half' }

/** The etcd of a cluster, as its API server reaches it. */
function etcdOf({ controlPlane }: LiveCluster) {
  const argv = readFileSync(`/proc/${controlPlane.pids()['kube-apiserver']}/cmdline`, 'utf8').split('\0')
  const flag = (name: string) => argv.find((one) => one.startsWith(`--${name}=`))?.replace(/^[^=]*=/, '') ?? ''
  const [ca, cert, key] = ['etcd-cafile', 'etcd-certfile', 'etcd-keyfile'].map((name) => readFileSync(flag(name)))
  return (path: string, body: object) =>
    new Promise<{ kvs?: { value: string }[] }>((resolve, reject) => {
      const request = https.request(`${flag('etcd-servers')}/v3/kv/${path}`, { method: 'POST', ca, cert, key })
      request.on('error', reject)
      request.on('response', (response) => resolve(json(response) as never))
      request.end(JSON.stringify(body))
    })
}

describe('a pod that an API server has marked as removed, and not removed because it was killed', () => {
  let root: LiveCluster
  const half = () => root.client.get(pods, ref)

  before(async () => {
    root = await startCluster('root', { 'storage-media-type': 'application/json' })
    await root.client.create(namespaces, { metadata: { name: namespace } })
    await root.client.create(serviceAccounts, { metadata: { namespace, name: 'default' } })
    await root.client.create(nodes, { metadata: { name: 'kosmos-east' } })
    const metadata = { ...ref, finalizers: ['example.com/keep'] }
    const spec = { nodeName: 'kosmos-east', containers: [{ name: 'a', image: 'a' }] }
    unwrap(await root.client.create(pods, { metadata, spec } as KubeObject))
    await root.client.delete(pods, ref, { gracePeriodSeconds: 0 })
    const etcd = etcdOf(root)
    const key = Buffer.from(`/registry/pods/${namespace}/${ref.name}`).toString('base64')
    const { kvs: [stored] = [] } = await etcd('range', { key })
    const pod = JSON.parse(Buffer.from(stored?.value ?? '', 'base64').toString())
    delete pod.metadata.finalizers
    await etcd('put', { key, value: Buffer.from(JSON.stringify(pod)).toString('base64') })
  })
  after(() => root?.end())

  it('is there until somebody deletes it again', async () => {
    const pod = (await half()) ?? assert.fail()
    assert.deepEqual([pod.metadata.finalizers, pod.metadata.deletionGracePeriodSeconds], [undefined, 0])
    const now = Date.parse(pod.metadata.deletionTimestamp ?? '') + 60_000
    const unseen = { rootClusterId: 'root-1', current: true, leaf: undefined, missing: [] }
    const step = decide({ ...unseen, root: pod, now })
    assert(step.do === 'finishRoot')
    await root.client.delete(pods, ref, { uid: step.uid, gracePeriodSeconds: 0 })
    assert.equal(await half(), undefined)
  })
})
