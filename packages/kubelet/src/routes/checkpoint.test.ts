import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { LocatedPod } from '../pods.ts'
import { type Peer, startPeer } from '../testing/leaf.ts'
import { ask, type Served, serve } from '../testing/serve.ts'

describe('a checkpoint of a container', () => {
  let leaf: Peer
  let served: Served
  const asked: string[] = []
  let answer = { code: 200, body: '' }
  let located: LocatedPod

  before(async () => {
    leaf = await startPeer()
    leaf.server.on('request', (request, response) => {
      asked.push(`${request.method} ${request.url}`)
      const type = answer.body.startsWith('{') ? 'application/json' : 'text/plain'
      response.writeHead(answer.code, { 'content-type': type }).end(answer.body)
    })
    served = await serve({ locate: () => located })
  })
  beforeEach(() => {
    asked.length = 0
    located = { kind: 'found', connection: leaf.connection, namespace: 'shop', name: 'web', nodeName: 'worker-1' }
  })
  after(async () => {
    await served.server.close()
    await leaf.close()
  })
  const post = (path: string) => ask(served.port, path, { method: 'POST', token: 'good' })

  it('is made by the kubelet of the leaf node that has the pod, which says where it is', async () => {
    answer = { code: 200, body: '{"items":["/var/lib/kubelet/checkpoints/web.tar"]}' }
    const { code, text, headers } = await post('/checkpoint/shop/web/app?timeout=1&timeout=30&other=x')
    assert.deepEqual([code, text, headers['content-type']], [200, answer.body, 'application/json'])
    assert.deepEqual(asked, ['POST /prefix/api/v1/nodes/worker-1/proxy/checkpoint/shop/web/app?timeout=30'])
  })

  it('needs the right to create nodes/checkpoint in the root', () => {
    const { subresource, verb } = served.asked.at(-1) ?? assert.fail()
    assert.deepEqual([verb, subresource], ['create', 'checkpoint'])
  })

  it('passes on what the kubelet says against it', async () => {
    answer = { code: 404, body: 'container db does not exist' }
    const { code, text } = await post('/checkpoint/shop/web/db')
    assert.deepEqual([code, text], [404, answer.body])
  })

  it('is not implemented where the account in the leaf may not ask for it, and says what is missing', async () => {
    answer = { code: 403, body: JSON.stringify({ kind: 'Status', message: 'nodes "worker-1" is forbidden' }) }
    const { code, text } = await post('/checkpoint/shop/web/app')
    assert.equal(code, 501)
    assert.match(text, /"create" on nodes\/proxy.*nodes "worker-1" is forbidden/)
    answer = { code: 401, body: '{}' }
    assert.equal((await post('/checkpoint/shop/web/app')).code, 502)
  })

  it('is never that of another pod, whatever stands for the container', async () => {
    for (const container of ['..%2F..%2Fkube-system%2Fetcd%2Fetcd', '..', '.', 'a%2Fb', 'App', '%00']) {
      const { code, text } = await post(`/checkpoint/shop/web/${container}`)
      assert.deepEqual([code, text], [404, `container ${decodeURIComponent(container)} does not exist`])
    }
    assert.deepEqual(asked, [])
  })

  it('is not asked for with a timeout that is none, of a pod without a node, or of none', async () => {
    assert.equal((await post('/checkpoint/shop/web/app?timeout=soon')).code, 404)
    located = { kind: 'found', connection: leaf.connection, namespace: 'shop', name: 'web', nodeName: undefined }
    assert.equal((await post('/checkpoint/shop/web/app')).code, 503)
    located = { kind: 'absent', message: 'no such pod' }
    assert.equal((await post('/checkpoint/shop/web/app')).code, 404)
    assert.deepEqual(asked, [])
  })
})
