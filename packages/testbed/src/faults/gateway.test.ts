import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { createAuthority } from '../pki/authority.ts'
import { Gateway } from './gateway.ts'

/** Reads from a socket until what came matches. */
function readUntil(socket: TLSSocket, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!pattern.test(text)) return
      socket.removeAllListeners('data')
      resolve(text)
    })
    socket.on('end', () => reject(new Error(`ended after ${JSON.stringify(text)}`)))
    socket.on('error', reject)
  })
}

describe('a connection through the fault proxy', () => {
  const socketPath = `\0kosmos-test-${randomUUID()}`
  let upstream: Server
  let gateway: Gateway
  let ca = ''

  before(async () => {
    const authority = await createAuthority('test')
    const credential = await authority.issue({ commonName: 'server', hosts: ['127.0.0.1'] })
    ca = authority.certificate
    upstream = createServer({ cert: credential.certificate, key: credential.key })
    upstream.on('request', (_, response) => {
      response.write('{"type":"MODI')
      // Several chunks at once: Node would make one of them.
      const rest = ['FIED"}\n', '{"type":"ADDED"}\n'].map((text) => `${text.length.toString(16)}\r\n${text}\r\n`)
      upstream.once('go on', () => response.socket?.write(rest.join('')))
    })
    upstream.on('upgrade', (request, socket, head: Buffer) => {
      if (request.url === '/refused') {
        socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nX-Why: rights\r\n\r\nno way')
        return
      }
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`,
      )
      socket.write(head)
      socket.pipe(socket)
    })
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    const { port } = upstream.address() as AddressInfo
    gateway = new Gateway({ upstream: `https://127.0.0.1:${port}`, ca, credential, socketPath })
  })
  after(() => {
    gateway.close()
    upstream.close()
    upstream.closeAllConnections()
  })

  const open = (request: string): TLSSocket => {
    const socket = connect({
      path: socketPath,
      ca,
      host: '127.0.0.1',
      servername: '',
      checkServerIdentity: () => undefined,
    })
    socket.write(request)
    return socket
  }
  const upgrade = (path: string) =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n`

  it('passes bytes both ways, also those sent before the answer', async () => {
    const socket = open(`${upgrade('/exec')}early`)
    assert.match(
      await readUntil(socket, /early$/),
      /^HTTP\/1\.1 101 Switching Protocols\r\n(.+\r\n)*Upgrade: SPDY\/3\.1\r\n/,
    )
    let echoed = 0
    const all = new Promise<void>((resolve) => {
      socket.on('data', (chunk: Buffer) => {
        echoed += chunk.length
        if (echoed === 1 << 20) resolve()
      })
    })
    socket.write(Buffer.alloc(1 << 20))
    await all
    socket.destroy()
  })

  it('ends a watch after the event that is on its way, whatever comes with its end', async () => {
    const socket = open('GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n')
    await readUntil(socket, /"MODI/)
    gateway.expireWatches()
    const ended = readUntil(socket, /FIED"\}\n[\s\S]*"reason":"Expired"[\s\S]*\r\n0\r\n\r\n$/)
    upstream.emit('go on')
    assert.doesNotMatch(await ended, /ADDED/)
    socket.destroy()
  })

  it('passes a refusal with its headers and body', async () => {
    const answer = await readUntil(open(upgrade('/refused')), /no way$/)
    assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n/)
    assert.match(answer, /X-Why: rights/)
  })

  it('can be refused by the proxy itself', async () => {
    gateway.answer(500, { times: 1 })
    assert.match(await readUntil(open(upgrade('/exec')), /\}$/), /^HTTP\/1\.1 500 /)
  })
})
