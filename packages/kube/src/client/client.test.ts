import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { pods } from '../objects/resources.ts'
import { clientAnswered } from './answered.fixture.ts'

describe('a client', { timeout: 20_000 }, () => {
  const pod = { namespace: 'default', name: 'web' }
  const clientOf = (t: TestContext, answer: Parameters<typeof clientAnswered>[1]) =>
    clientAnswered(t, answer, { maxRetries: 0 })

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

  it('gathers pages of any size: an aggregated API server may know no limit', async (t) => {
    const items = Array.from({ length: 200_000 }, () => ({}))
    const list = JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '1' }, items })
    const client = await clientOf(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(list)
    })
    assert.equal((await client.listAll(pods)).length, items.length)
  })
})
