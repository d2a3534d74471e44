import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import fc from 'fast-check'
import { areas } from './routes/areas.ts'
import { createTestAuthority } from './testing/authority.ts'
import { type Served, serve } from './testing/serve.ts'

/** Of the requests that are made up; the whole run of docs/contributing.md makes 100,000. */
const RUNS = Number(process.env.KOSMOS_FUZZ_RUNS ?? 400)

interface Identity {
  readonly cert: string
  readonly key: string
}

/** Everything that comes back until the server has closed the connection or answered. */
function converse(port: number, request: Buffer, identity?: Identity): Promise<string> {
  return new Promise((resolve) => {
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      allowHalfOpen: true,
      ...identity,
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
  /** None, or one that the root has not signed, whatever it says of its owner. */
  let identities: readonly (Identity | undefined)[] = []
  before(async () => {
    served = await serve({ clientCA: (await createTestAuthority('root-ca')).pem })
    const foreign = await createTestAuthority('root-ca')
    identities = [
      undefined,
      await foreign.issue({ commonName: 'kubernetes-admin', organizations: ['system:masters'] }),
      await foreign.issue({ commonName: 'late', notAfter: new Date(Date.now() - 1_000) }),
    ]
  })
  after(async () => await served.server.close())

  it('never answers with success, nor with anything that tells paths apart, and lives on', async () => {
    const open = () => process.getActiveResourcesInfo().filter((kind) => /TCP|TLS/.test(kind)).length
    const before = open()
    await fc.assert(
      fc.asyncProperty(
        fc.nat().map((n) => identities[n % identities.length]),
        fc.oneof(
          { weight: 9, arbitrary: request },
          fc.uint8Array({ maxLength: 500 }).map((b) => Buffer.from(b)),
        ),
        async (identity, bytes) => {
          const answer = await converse(served.port, bytes, identity)
          for (const [, status] of answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)) {
            // 100 Continue invites the rest of a request whose answer follows; what Node cannot parse it refuses by itself.
            assert.ok(['100', '400', '401', '408', '413', '417', '431'].includes(status ?? ''), answer.slice(0, 200))
          }
        },
      ),
      { numRuns: RUNS },
    )
    assert.match(
      await converse(served.port, Buffer.from('GET /pods HTTP/1.1\r\nHost: vn1\r\n\r\n')),
      /^HTTP\/1\.1 401 /,
    )
    // The server's end of the last connections closes after ours; one that leaks never does.
    for (let looks = 0; open() > before && looks < 800; looks++) await sleep(50)
    assert.ok(open() <= before, `${open()} connections are open, ${before} were`)
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
