import assert from 'node:assert/strict'
import { before, describe, it, type TestContext } from 'node:test'
import { Connection } from '../connection/connection.ts'
import { base64, type Certificates, configFor, createCertificates, startPeer } from '../connection/peer.fixture.ts'
import { createTransport } from '../connection/transport.ts'
import { pods } from '../objects/resources.ts'
import { Client } from './client.ts'

describe('a client', { timeout: 20_000 }, () => {
  let certificates: Certificates
  before(async () => {
    certificates = await createCertificates()
  })
  const pod = { namespace: 'default', name: 'web' }
  const clientOf = async (t: TestContext, answer: Parameters<typeof startPeer>[2]) => {
    const { url } = await startPeer(t, certificates, answer)
    const config = configFor(url, { caData: base64(certificates.authority.certificate) })
    const connection = new Connection('leaf', await createTransport(config), { maxRetries: 0 })
    t.after(() => connection.close())
    return new Client(connection, 'kosmos-test')
  }

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
