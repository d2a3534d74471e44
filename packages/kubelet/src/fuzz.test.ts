import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, describe, it } from 'node:test'
import tls from 'node:tls'
import fc from 'fast-check'
import { areas } from './routes/areas.ts'
import { type Served, serve } from './testing/serve.ts'

/** Everything that comes back until the server has closed the connection or answered. */
function converse(port: number, request: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      allowHalfOpen: true,
    } as tls.ConnectionOptions)
    let answer = ''
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(answer))
    // The end of input makes the server close whatever it has not understood.
    socket.end(request)
  })
}

const token = fc.constantFrom(
  '',
  'Bearer',
  'Bearer ',
  'Bearer  good',
  'bearer x',
  'Basic Z29vZA==',
  'Bearer bad',
  'good',
)
const target = fc.oneof(
  fc.constantFrom(...areas.map(({ base }) => `${base}/default/web/main`), '*', 'https://vn1/pods', 'vn1:443', '/%', ''),
  fc.string({ maxLength: 20 }),
  fc.integer({ min: 1, max: 20_000 }).map((length) => `/${'a'.repeat(length)}`),
)
const header = fc.oneof(
  fc.constantFrom(
    'Upgrade: SPDY/3.1\r\nConnection: Upgrade',
    'Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13',
    'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__',
    'Content-Length: -1',
    'Content-Length: 5\r\nContent-Length: 6',
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked, chunked',
    'Expect: 100-continue',
    'Connection: close',
    'X-Remote-User: admin\r\nX-Remote-Group: system:masters',
    'Impersonate-User: system:admin',
    `X-Long: ${'y'.repeat(100_000)}`,
    ' folded: header',
    'no colon',
    'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{',
  ),
  fc.tuple(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 })).map((pair) => pair.join(':')),
)
const request = fc
  .record({
    method: fc.oneof(
      fc.constantFrom('GET', 'POST', 'CONNECT', 'PRI', 'get', 'HEAD', 'TRACE', 'OPTIONS'),
      fc.string({ maxLength: 9 }),
    ),
    target,
    version: fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', ''),
    token,
    headers: fc.array(header, { maxLength: 4 }),
    end: fc.constantFrom('\r\n\r\n', '\n\n', '\r\n', ''),
    rest: fc.uint8Array({ maxLength: 64 }),
  })
  .map(({ method, target, version, token, headers, end, rest }) =>
    Buffer.concat([
      Buffer.from(`${method} ${target} ${version}\r\nHost: vn1\r\n`, 'latin1'),
      Buffer.from([`Authorization: ${token}`, ...headers].join('\r\n') + end, 'latin1'),
      rest,
    ]),
  )

describe('the kubelet port under malformed requests', () => {
  let served: Served
  before(async () => {
    served = await serve()
  })
  after(async () => await served.server.close())

  it('never answers with success, nor with anything that tells paths apart, and lives on', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          { weight: 9, arbitrary: request },
          fc.uint8Array({ maxLength: 500 }).map((b) => Buffer.from(b)),
        ),
        async (bytes) => {
          const answer = await converse(served.port, bytes)
          for (const [, status] of answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)) {
            // 100 Continue invites the rest of a request whose answer follows; what Node cannot parse it refuses by itself.
            assert.ok(['100', '400', '401', '408', '413', '417', '431'].includes(status ?? ''), answer.slice(0, 200))
          }
        },
      ),
      { numRuns: 400 },
    )
    assert.match(
      await converse(served.port, Buffer.from('GET /pods HTTP/1.1\r\nHost: vn1\r\n\r\n')),
      /^HTTP\/1\.1 401 /,
    )
    assert.deepEqual(served.asked, [])
    assert.deepEqual(
      served.events.filter(({ event }) => event !== 'authentication-failed'),
      [],
    )
  })

  it('survives what is no TLS at all', async () => {
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\xff\xff']) {
      await new Promise<void>((resolve) => {
        const socket = net.connect(served.port, '127.0.0.1')
        socket.on('error', () => {})
        socket.on('close', () => resolve())
        socket.resume()
        socket.end(Buffer.from(bytes, 'latin1'))
      })
    }
    assert.match(
      await converse(served.port, Buffer.from('GET /pods HTTP/1.1\r\nHost: vn1\r\n\r\n')),
      /^HTTP\/1\.1 401 /,
    )
  })
})
