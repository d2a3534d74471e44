import assert from 'node:assert/strict'
import { once } from 'node:events'
import { constants, createSecureServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { it } from 'node:test'
import { Connection } from './connection.ts'
import { RequestAborted } from './errors.ts'
import { base64, configFor, createCertificates, unhurried } from './peer.fixture.ts'
import { createTransport } from './transport.ts'

/** More than a server takes that reads nothing. */
const large = 'x'.repeat(3_000_000)

it('an answer to a request that was given up is cancelled, and does not end the process with its connection', async (t) => {
  const { server: own, authority } = await createCertificates()
  const server = createSecureServer({ key: own.key, cert: own.certificate })
  const sockets = new Set<Socket>()
  server.on('secureConnection', (socket) => sockets.add(socket))
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const config = configFor(`https://127.0.0.1:${port}`, { caData: base64(authority.certificate) })
  const connection = new Connection('leaf', await createTransport(config, unhurried))

  const stop = new AbortController()
  const asked = connection.request({ method: 'PATCH', path: '/', body: { large }, signal: stop.signal })
  const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream]
  stop.abort()
  await assert.rejects(asked, RequestAborted)
  const closed = once(stream, 'close')
  stream.on('error', () => {})
  stream.respond({ ':status': 200 })
  await closed
  assert.equal(stream.rstCode, constants.NGHTTP2_CANCEL)
  await connection.close()
})
