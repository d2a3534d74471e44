import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { pods } from '../objects/resources.ts'
import { type Answer, clientAnswered } from './answered.fixture.ts'

describe('a client', { timeout: 120_000 }, () => {
  const pod = { namespace: 'default', name: 'web' }
  const clientOf = (t: TestContext, answer: Answer, maxRetries = 0) => clientAnswered(t, answer, { maxRetries })

  it('says with an error when the server wants to be asked again', async (t) => {
    const client = await clientOf(t, (_request, response) =>
      response.writeHead(503, { 'retry-after': '7' }).end('busy'),
    )
    const later = { name: 'ApiError', code: 503, retryAfterMs: 7_000 }
    await assert.rejects(client.get(pods, pod), later)
    await assert.rejects(client.delete(pods, pod), later)
    await assert.rejects(client.listAll(pods), later)
    await assert.rejects(client.raw('/version'), later)
  })

  it('asks once to evict a pod, whatever the server says of later: who asks again may want something else by then', async (t) => {
    const asked: (string | undefined)[] = []
    const later: Answer = (request, response) => {
      asked.push(request.url?.replace(/\?.*/, '').split('/').at(-1))
      response.writeHead(429, { 'retry-after': '0.01' }).end('not now')
    }
    const client = await clientOf(t, later, 2)
    await assert.rejects(client.evict(pod, { uid: 'web' }), { name: 'ApiError', code: 429 })
    await assert.rejects(client.createFor(pods, pod, 'binding', {}), { name: 'ApiError', code: 429 })
    assert.deepEqual(asked, ['eviction', 'binding', 'binding', 'binding'])
  })

  it('gathers pages of any size: an aggregated API server may know no limit', async (t) => {
    const items = Array.from({ length: 200_000 }, () => ({}))
    const list = JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '1' }, items })
    const client = await clientOf(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(list)
    })
    assert.equal((await client.listAll(pods)).length, items.length)
  })
})
