import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGather } from '../stats/gather.ts'
import { type Peer, startPeer } from '../testing/leaf.ts'
import { ask, type Served, serve } from '../testing/serve.ts'
import type { NodeContext, RequestContext } from './context.ts'
import { statsRoutes } from './stats.ts'

describe('the figures of a virtual node', () => {
  let leaf: Peer
  let served: Served
  let asked: string[] = []
  let answer: (url: string) => { code: number; body: string }
  const copies = new Map([['shop/web', { rootUid: 'root-web', leafUid: 'leaf-web' }]])

  before(async () => {
    leaf = await startPeer()
    leaf.server.on('request', (request, response) => {
      const url = request.url ?? ''
      asked.push(url)
      const { code, body } = answer(url)
      response.writeHead(code, { 'content-type': 'text/plain' }).end(body)
    })
  })
  beforeEach(async () => {
    asked = []
    await served?.server.close()
    const leafNodes = { connection: leaf.connection, names: () => ['worker-1', 'worker-2'], copies: () => copies }
    served = await serve({ leafNodes })
  })
  after(async () => {
    await served.server.close()
    await leaf.close()
  })
  const get = (path: string) => ask(served.port, path, { token: 'good' })

  it('are those of all nodes of the leaf, asked for once by many', async () => {
    answer = () => ({ code: 200, body: 'node_x 2\npod_x{namespace="shop",pod="web"} 1\n' })
    const answers = await Promise.all(Array.from({ length: 5 }, () => get('/metrics/resource')))
    for (const { code, text } of answers) {
      assert.deepEqual([code, text], [200, 'node_x 4\n'.concat('pod_x{namespace="shop",pod="web"} 1\n'.repeat(2))])
    }
    const path = (node: string) => `/prefix/api/v1/nodes/${node}/proxy/metrics/resource`
    assert.deepEqual(asked.sort(), [path('worker-1'), path('worker-2')])
  })

  it('are told without a node that has none, and say so', async () => {
    answer = (url) => (url.includes('worker-1') ? { code: 503, body: 'no' } : { code: 200, body: 'scrape_error 0\n' })
    assert.equal((await get('/metrics/cadvisor')).text, 'scrape_error 1\n')
  })

  it('are not made of what is none of a kubelet', async () => {
    answer = () => ({ code: 200, body: 'the page of a proxy' })
    const { code, text } = await get('/stats/summary')
    assert.deepEqual([code, text], [503, 'no node of cluster leaf1 answers'])
    assert.deepEqual(served.events, [], 'and that is all that happens')
  })

  it('are not told while no node has any, or the account in the leaf may not ask; the next asks again', async () => {
    answer = () => ({ code: 500, body: 'no' })
    const none = await get('/metrics/probes')
    assert.deepEqual([none.code, none.text], [503, 'no node of cluster leaf1 answers'])
    answer = () => ({ code: 403, body: 'nodes "worker-1" is forbidden' })
    const forbidden = await get('/metrics/probes')
    assert.equal(forbidden.code, 503)
    assert.match(forbidden.text, /does not let its nodes be asked: nodes "worker-1" is forbidden/)
    assert.deepEqual(served.events, [], 'and that is all that happens')
  })

  it('are missing for nodes that are gone, and their leaf is not taken for dead because of them', async () => {
    const gone = await startPeer()
    gone.server.on('request', () => {})
    const names = () => ['worker-1', 'worker-2', 'worker-3', 'worker-4']
    const gather = createGather(1, 50)
    const leafNodes = { connection: gone.connection, names, copies: () => copies }
    await assert.rejects(gather('kosmos-leaf1', leafNodes, 'stats/summary'), /no node of cluster leaf1 answers/)
    assert.equal(gone.connection.breaker.retryInMs(), 0)
    await gone.close()
  })

  it('count on from one look to the next, whichever nodes there are', async () => {
    const seconds: Record<string, number> = { 'worker-1': 100, 'worker-2': 5_000 }
    answer = (url) => {
      const node = Object.keys(seconds).find((name) => url.includes(name)) ?? ''
      return { code: 200, body: `# TYPE node_cpu counter\nnode_cpu ${seconds[node]}\n` }
    }
    let names = ['worker-1']
    const leafNodes = { connection: leaf.connection, names: () => names, copies: () => copies }
    const node = { nodeName: 'kosmos-leaf1', leafNodes } as unknown as NodeContext
    const { metricsResource } = statsRoutes(createGather(1))
    const http = createServer((_, response) => {
      void metricsResource({}, new URLSearchParams(), response, { node } as unknown as RequestContext)
    })
    await once(http.listen(0, '127.0.0.1'), 'listening')
    const look = async () => {
      await sleep(20)
      const answered = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}`)
      return (await answered.text()).split('\n')[1]
    }
    assert.equal(await look(), 'node_cpu 0')
    names = ['worker-1', 'worker-2']
    seconds['worker-1'] = 101
    assert.equal(await look(), 'node_cpu 1')
    names = ['worker-2']
    seconds['worker-2'] = 5_002
    assert.equal(await look(), 'node_cpu 3')
    http.close()
  })

  it('are a summary in JSON as well', async () => {
    const stats = { podRef: { name: 'web', namespace: 'shop', uid: 'leaf-web' } }
    answer = () => ({ code: 200, body: JSON.stringify({ node: { cpu: { usageNanoCores: 1 } }, pods: [stats] }) })
    leaf.server.removeAllListeners('request')
    leaf.server.on('request', (request, response) => {
      asked.push(request.url ?? '')
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer('').body)
    })
    const { code, text } = await get('/stats/summary?only_cpu_and_memory=true')
    const { node, pods } = JSON.parse(text)
    assert.deepEqual([code, node.cpu, pods[0].podRef.uid], [200, { usageNanoCores: 2 }, 'root-web'])
    assert.ok(asked.every((url) => url.endsWith('/proxy/stats/summary?only_cpu_and_memory=true')))
  })
})
