import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants, createSecureServer, type Http2Session, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, type ConnectionOptions } from './connection.ts'
import { ClusterUnreachable } from './errors.ts'
import { base64, type Certificates, configFor, createCertificates, startTcp, unhurried } from './peer.fixture.ts'
import { createTransport, type TransportOptions } from './transport.ts'

let certificates: Certificates
before(async () => {
  certificates = await createCertificates()
})

const get = { method: 'GET', path: '/version' } as const

async function connectTo(t: TestContext, url: string, options: ConnectionOptions & TransportOptions = {}) {
  const config = configFor(url, { caData: base64(certificates.authority.certificate) })
  const connection = new Connection('leaf', await createTransport(config, { ...unhurried, ...options }), options)
  t.after(() => connection.close())
  return connection
}

describe('an HTTP/2 connection', { timeout: 120_000 }, () => {
  /** A server, whose answers take a moment, behind something that may forget connections: their bytes go nowhere then. */
  async function behindBalancer(t: TestContext, onRequest: (session: Http2Session) => void = () => {}) {
    const { certificate: cert, key } = certificates.server
    const server = createSecureServer({ cert, key })
    const sessions = new Set<Http2Session>()
    server.on('session', (session) => sessions.add(session.on('error', () => {})))
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => {})
      if (stream.session) onRequest(stream.session)
      setTimeout(() => {
        if (stream.destroyed) return
        stream.respond({ 'content-type': 'application/json' })
        stream.end('{}')
      }, 10)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    t.after(() => {
      for (const session of sessions) session.destroy()
      server.close()
    })
    const forgotten = new Set<Socket>()
    const open = new Set<Socket>()
    const { port } = await startTcp(t, (client) => {
      open.add(client)
      const upstream = connect((server.address() as AddressInfo).port, '127.0.0.1')
      upstream.on('error', () => client.destroy())
      client.on('close', () => upstream.destroy())
      client.on('data', (bytes) => forgotten.has(client) || upstream.write(bytes))
      upstream.on('data', (bytes) => forgotten.has(client) || client.write(bytes))
    })
    const forget = () => {
      for (const client of open) forgotten.add(client)
    }
    const reset = () => {
      for (const client of open) client.resetAndDestroy()
      open.clear()
    }
    return { url: `https://127.0.0.1:${port}`, sessions, forget, reset }
  }

  it('that is forgotten on the way is given up for another, also by callers who never wait for long', async (t) => {
    const { url, forget } = await behindBalancer(t)
    const connection = await connectTo(t, url, { pingMs: 500, breaker: { maxOpenMs: 100 } })
    assert.equal((await connection.request(get)).code, 200)
    forget()
    await assert.rejects(connection.request({ ...get, timeoutMs: 20 }), ClusterUnreachable)
    const ask = () => connection.request({ ...get, timeoutMs: 1_000 }).catch(() => sleep(10))
    while ((await ask()) === undefined);
  })

  it('that is lost counts as one failure, however many requests were under way on it', async (t) => {
    const [atOnce, threshold] = [50, 3]
    let asked = 0
    const { url, reset } = await behindBalancer(t, () => {
      if (++asked % atOnce === 0) reset()
    })
    const connection = await connectTo(t, url, { maxConnections: 1, breaker: { threshold } })
    for (let loss = 1; loss <= threshold; loss++) {
      assert.equal(connection.breaker.retryInMs(), 0, `${loss - 1} connections were lost`)
      const answers = await Promise.allSettled(Array.from({ length: atOnce }, () => connection.request(get)))
      assert.ok(answers.every(({ status }) => status === 'rejected'))
    }
    assert.ok(connection.breaker.retryInMs() > 0)
  })

  it('that the server wants to end loses no request: it says so by GOAWAY', async (t) => {
    let asked = 0
    const { url, sessions } = await behindBalancer(t, (session) => {
      if (++asked % 20 !== 0) return
      // As Go's server: what is on its way is taken, and the rest of the connection is for what has begun.
      session.goaway(constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1)
      setTimeout(() => session.close(), 20)
    })
    const connection = await connectTo(t, url)
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => connection.request({ ...get, method: 'PATCH', body: {} })),
      )
      assert.ok(answers.every(({ code }) => code === 200))
    }
    assert.ok(sessions.size > 5)
  })
})
