import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { ClusterUnreachable } from '@kosmos/kube'
import { type Peer, startPeer } from '../testing/leaf.ts'
import { ask, type Served, serve } from '../testing/serve.ts'
import { askUpgrade, type UpgradeOptions } from '../testing/upgrade.ts'

const target = '/exec/default/web/main?command=sh&command=-c&command=echo+%22a+b%22&input=1&output=1&error=1'
const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n'

/** Reads to the end and, unlike an iterator, leaves the other direction open. */
async function text(socket: Socket): Promise<string> {
  let read = ''
  socket.on('data', (chunk: Buffer) => {
    read += chunk.toString('latin1')
  })
  await once(socket, 'end')
  return read
}

/** Asks for the session, and does nothing by itself about the answer. */
function asks(port: number, login = 'Authorization: Bearer good\r\n'): Socket {
  const options = { host: '127.0.0.1', port, rejectUnauthorized: false, allowHalfOpen: true }
  const socket = tls.connect(options as tls.ConnectionOptions)
  socket.on('error', () => {})
  socket.write(`GET ${target} HTTP/1.1\r\nHost: vn1\r\n${login}Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n`)
  return socket
}

type Grant = (request: IncomingMessage, socket: Socket, head: Buffer) => void

describe('an exec session through the kubelet API', () => {
  let leaf: Peer
  let served: Served
  let grant: Grant
  before(async () => {
    leaf = await startPeer()
    leaf.server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => {})
      grant(request, socket as Socket, head)
    })
    served = await serve({
      locate: () => ({ kind: 'found', connection: leaf.connection, namespace: 'leaf-ns', name: 'leaf-pod' }),
    })
  })
  afterEach(() => {
    for (const socket of leaf.sockets) socket.destroy()
  })
  after(async () => {
    await served.server.close()
    await leaf.close()
  })

  const open = async (options: UpgradeOptions = {}) => {
    const result = await askUpgrade(served.port, target, { token: 'good', ...options })
    assert.equal(result.kind, 'switched')
    if (result.kind !== 'switched') throw new Error('refused')
    result.socket.on('error', () => {})
    return result
  }
  const echo: Grant = (_request, socket) => {
    socket.write(switching)
    socket.pipe(socket)
  }

  it('asks the leaf for the same container and command, with our login and never the caller’s', async () => {
    let seen: IncomingMessage | undefined
    grant = (request, socket) => {
      seen = request
      socket.end(switching)
    }
    const { socket } = await open({
      headers: [
        ...['X-Stream-Protocol-Version', 'v5.channel.k8s.io', 'X-Stream-Protocol-Version', 'v4.channel.k8s.io'],
        ...['Sec-WebSocket-Protocol', 'v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.c2VjcmV0'],
        ...['Impersonate-User', 'admin', 'X-Forwarded-For', '10.0.0.1', 'Cookie', 'secret=1'],
      ],
    })
    socket.destroy()
    assert.equal(seen?.method, 'POST')
    const url = new URL(seen?.url ?? '', 'https://leaf')
    assert.equal(url.pathname, '/prefix/api/v1/namespaces/leaf-ns/pods/leaf-pod/exec')
    assert.deepEqual(
      [...url.searchParams],
      [
        ['container', 'main'],
        ['stdin', 'true'],
        ['stdout', 'true'],
        ['stderr', 'true'],
        ['tty', 'false'],
        ['command', 'sh'],
        ['command', '-c'],
        ['command', 'echo "a b"'],
      ],
    )
    assert.deepEqual(seen?.headersDistinct['x-stream-protocol-version'], ['v5.channel.k8s.io', 'v4.channel.k8s.io'])
    assert.equal(seen?.headers.authorization, 'Bearer leaf-token')
    assert.equal(seen?.headers.upgrade, 'SPDY/3.1')
    assert.equal(seen?.headers['sec-websocket-protocol'], 'v5.channel.k8s.io')
    for (const name of ['impersonate-user', 'x-forwarded-for', 'cookie']) assert.equal(seen?.headers[name], undefined)
  })

  it('makes the connection for the next one when it has begun, which asks at once', async () => {
    const opened: Socket[] = []
    const count = (socket: Socket) => opened.push(socket)
    leaf.server.on('secureConnection', count)
    const bearers: Socket[] = []
    grant = (request, socket, head) => {
      bearers.push(request.socket)
      echo(request, socket, head)
    }
    for (const n of [1, 2, 3]) {
      const { socket } = await open()
      socket.write(`round ${n}`)
      assert.equal(String((await once(socket, 'data'))[0]), `round ${n}`)
      while (opened.length < bearers.length + 1) await sleep(10)
      // Our end of it knows a moment later.
      await sleep(50)
      socket.destroy()
    }
    leaf.server.off('secureConnection', count)
    assert.deepEqual(bearers, opened.slice(0, 3))
  })

  it('gives the leaf’s 101 to the client as it is', async () => {
    grant = (_request, socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: abc=\r\nX-Stream-Protocol-Version: v5.channel.k8s.io\r\n\r\n',
      )
    }
    const { message, socket } = await open({ method: 'GET', headers: ['Sec-WebSocket-Key', 'abc'] })
    assert.equal(message.headers['sec-websocket-accept'], 'abc=')
    assert.equal(message.headers['x-stream-protocol-version'], 'v5.channel.k8s.io')
    socket.destroy()
  })

  it('loses no byte that either side sends together with the handshake', async () => {
    grant = (_request, socket, head) => {
      socket.write(`${switching}from the leaf;`)
      socket.write(head)
      socket.pipe(socket)
    }
    const { socket, head } = await open()
    socket.unshift(head)
    socket.end('from the client')
    assert.equal(await text(socket), 'from the leaf;from the client')
  })

  it('carries 20 MB each way at once unchanged', async () => {
    grant = echo
    const { socket, head } = await open()
    assert.equal(head.length, 0)
    const data = randomBytes(20 * 1024 * 1024)
    const hash = createHash('sha256')
    socket.end(data)
    for await (const chunk of socket) hash.update(chunk)
    assert.equal(hash.digest('hex'), createHash('sha256').update(data).digest('hex'))
  })

  it('passes on the end of the client’s input while output goes on', async () => {
    grant = async (_request, socket) => {
      socket.write(switching)
      const input = await text(socket)
      socket.end(`got ${input}`)
    }
    const { socket } = await open()
    socket.end('all of it')
    assert.equal(await text(socket), 'got all of it')
  })

  it('passes on the end of the leaf’s output while input goes on', async () => {
    const input = new Promise<string>((resolve) => {
      grant = async (_request, socket) => {
        socket.write(switching)
        socket.end('no more')
        resolve(await text(socket))
      }
    })
    const { socket } = await open()
    assert.equal(await text(socket), 'no more')
    socket.end('still talking')
    assert.equal(await input, 'still talking')
  })

  it('ends in the leaf at once when the client vanishes', async () => {
    const atLeaf = new Promise<Socket>((resolve) => {
      grant = (request, socket, head) => {
        echo(request, socket, head)
        resolve(socket)
      }
    })
    const { socket } = await open()
    const closed = once(await atLeaf, 'close')
    socket.destroy()
    await closed
  })

  it('is not opened in the leaf for a client that has left while its rights were asked for', async () => {
    let opened = 0
    grant = (_request, socket) => {
      opened++
      socket.end(switching)
    }
    const verdict = Promise.withResolvers<boolean>()
    const locate = () =>
      ({ kind: 'found', connection: leaf.connection, namespace: 'leaf-ns', name: 'leaf-pod' }) as const
    const slow = await serve({ allow: () => verdict.promise, locate })
    const client = asks(slow.port)
    while (slow.asked.length === 0) await sleep(5)
    client.destroy()
    // Whoever came later has an answer, so that this end has been seen.
    await ask(slow.port, '/healthz')
    verdict.resolve(true)
    await askUpgrade(slow.port, target, { token: 'good' })
    assert.equal(opened, 1)
    await slow.server.close()
  })

  it('is given up in the leaf when the client leaves before the leaf has answered', async () => {
    const asked = Promise.withResolvers<Socket>()
    grant = (_request, socket) => asked.resolve(socket)
    const client = asks(served.port)
    const inLeaf = await asked.promise
    const gone = once(inLeaf, 'end')
    inLeaf.resume()
    client.destroy()
    await gone
  })

  it('ends at the client when the leaf vanishes', async () => {
    const atLeaf = new Promise<Socket>((resolve) => {
      grant = (_request, socket) => {
        socket.write(switching)
        resolve(socket)
      }
    })
    const { socket } = await open()
    const closed = once(socket, 'close')
    socket.on('end', () => socket.end())
    socket.resume()
    const leafSide = await atLeaf
    leafSide.destroy()
    await closed
  })

  it('does not read on from the leaf while the client does not read', async () => {
    let written = 0
    const stalled = new Promise<void>((resolve) => {
      grant = async (_request, socket) => {
        socket.write(switching)
        const chunk = Buffer.alloc(1024 * 1024)
        for (;;) {
          written += chunk.length
          if (written >= 512 * chunk.length) return resolve()
          if (socket.write(chunk)) continue
          const drained = await Promise.race([
            once(socket, 'drain').then(() => true),
            new Promise<false>((settle) => setTimeout(settle, 500, false)),
          ])
          if (!drained) return resolve()
        }
      }
    })
    const { socket } = await open()
    socket.pause()
    await stalled
    // What is on its way sits in kernel buffers and in one buffer of each socket.
    assert.ok(written < 64 * 1024 * 1024, `${written} bytes were taken from the leaf`)
    socket.destroy()
  })

  it('shows the leaf’s refusal with its status, headers and body', async () => {
    grant = (_request, socket) => {
      const body = '{"kind":"Status","message":"container main is not valid for pod web","code":400}'
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nAudit-Id: 7\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
    }
    const result = await askUpgrade(served.port, target, { token: 'good' })
    assert.equal(result.kind, 'refused')
    assert.equal(result.message.statusCode, 400)
    assert.equal(result.message.headers['audit-id'], '7')
    assert.match(result.kind === 'refused' ? result.text : '', /container main is not valid/)
  })

  it('takes no cookie from the leaf, and is not sent elsewhere by it', async () => {
    const bad = 'Set-Cookie: session=1\r\nLocation: https://elsewhere/\r\nWWW-Authenticate: Basic\r\n'
    grant = (_request, socket) => {
      socket.end(
        `HTTP/1.1 403 Forbidden\r\n${bad}X-Accepted-Stream-Protocol-Versions: v4\r\nContent-Length: 2\r\n\r\nno`,
      )
    }
    const refused = await askUpgrade(served.port, target, { token: 'good' })
    const { 'x-accepted-stream-protocol-versions': versions, ...headers } = refused.message.headers
    assert.deepEqual([refused.message.statusCode, versions], [403, 'v4'])
    for (const name of ['set-cookie', 'location', 'www-authenticate']) assert.equal(headers[name], undefined)
    grant = (_request, socket) => {
      socket.end(`HTTP/1.1 307 Temporary Redirect\r\n${bad}Content-Length: 0\r\n\r\n`)
    }
    const redirected = await askUpgrade(served.port, target, { token: 'good' })
    assert.deepEqual([redirected.message.statusCode, redirected.message.headers.location], [502, undefined])
    assert.match(redirected.kind === 'refused' ? redirected.text : '', /leaf1 redirects the request/)
    grant = (_request, socket) => {
      socket.write(switching.replace('\r\n\r\n', `\r\n${bad}\r\n`))
    }
    const { message, socket } = await open()
    assert.deepEqual(Object.keys(message.headers), ['connection', 'upgrade'])
    socket.destroy()
  })

  it('shows the whole of a refusal that is longer than a buffer', async () => {
    const body = 'x'.repeat(4 * 1024 * 1024)
    grant = (_request, socket) => {
      socket.end(`HTTP/1.1 400 Bad Request\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    }
    const result = await askUpgrade(served.port, target, { token: 'good' })
    assert.equal(result.kind === 'refused' && result.text.length, body.length)
  })

  it('does not show the user that Kosmos itself is not logged in as the user’s own fault', async () => {
    grant = (_request, socket) => {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 12\r\n\r\nUnauthorized')
    }
    const result = await askUpgrade(served.port, target, { token: 'good' })
    assert.equal(result.message.statusCode, 502)
    assert.match(result.kind === 'refused' ? result.text : '', /leaf1 does not accept the credentials/)
  })

  it('is told to upgrade when it does not', async () => {
    const { code, text } = await ask(served.port, target, { method: 'POST', token: 'good' })
    assert.deepEqual([code, text], [400, 'Upgrade request required'])
  })

  it('gets a plain answer when it upgrades where no streams are', async () => {
    const elsewhere = await askUpgrade(served.port, '/configz', { token: 'good', method: 'GET' })
    assert.equal(elsewhere.message.statusCode, 200)
    const wrong = await askUpgrade(served.port, '/exec/default/web/main?command=ls', { token: 'good' })
    assert.equal(wrong.message.statusCode, 400)
  })

  it('is refused without credentials before the leaf hears of it', async () => {
    let asked = false
    grant = () => {
      asked = true
    }
    const result = await askUpgrade(served.port, target)
    assert.equal(result.message.statusCode, 401)
    assert.equal(asked, false)
  })

  it('leaves no connection to a client without credentials that never hangs up', async () => {
    const socket = asks(served.port, '')
    assert.match(await text(socket), /^HTTP\/1.1 401 /)
    // Writing is how this side learns that the other has none any more.
    for (; !socket.destroyed; await sleep(50)) socket.write('x')
  })

  it('is counted while it is open', async () => {
    grant = echo
    const gauge = async () =>
      (await served.registry.getSingleMetricAsString('kosmos_kubelet_open_streams')).match(/"\/exec"\} (\d+)/)?.[1]
    const { socket } = await open()
    assert.equal(await gauge(), '1')
    socket.end()
    await text(socket)
    while ((await gauge()) !== '0') await new Promise((resolve) => setTimeout(resolve, 10))
    assert.match(await served.registry.metrics(), /requests_total\{route="\/exec",method="POST",code="101"\}/)
  })
})

describe('an exec session whose leaf cannot be reached', () => {
  it('is refused when that comes out while a connection waits that was open before', async () => {
    const leaf = await startPeer()
    const { connection } = leaf
    const served = await serve({ locate: () => ({ kind: 'found', connection, namespace: 'ns', name: 'pod' }) })
    let opened = 0
    leaf.server.on('secureConnection', () => opened++)
    leaf.server.once('upgrade', (_request, socket) => socket.write(switching))
    const first = await askUpgrade(served.port, target, { token: 'good' })
    assert.equal(first.kind, 'switched')
    while (opened < 2) await sleep(10)
    await sleep(50)
    leaf.server.once('upgrade', () => {
      for (let n = 0; n < 20; n++) connection.breaker.failed(new Error('no answer'))
    })
    const result = await askUpgrade(served.port, target, { token: 'good' })
    assert.equal(result.message.statusCode, 503)
    assert.match(result.kind === 'refused' ? result.text : '', /^cluster leaf1 cannot be reached at .*: not answering$/)
    for (const socket of leaf.sockets) socket.destroy()
    await served.server.close()
    await leaf.close()
  })

  it('is refused with a sentence that says so when Kosmos has no login for it now', async () => {
    const leaf = await startPeer()
    const { connection } = leaf
    connection.upgradeOptions = async () => {
      throw new ClusterUnreachable('leaf1', connection.server.origin, new Error('no credentials to log in with'))
    }
    const served = await serve({ locate: () => ({ kind: 'found', connection, namespace: 'ns', name: 'pod' }) })
    const result = await askUpgrade(served.port, target, { token: 'good' })
    assert.equal(result.message.statusCode, 503)
    assert.match(
      result.kind === 'refused' ? result.text : '',
      /^leaf1: no answer from .*: no credentials to log in with$/,
    )
    await served.server.close()
    await leaf.close()
  })

  it('is refused with a sentence that names the cluster', async () => {
    const leaf = await startPeer()
    const served = await serve({
      locate: () => ({ kind: 'found', connection: leaf.connection, namespace: 'ns', name: 'pod' }),
    })
    await new Promise<void>((resolve) => leaf.server.close(() => resolve()))
    const result = await askUpgrade(served.port, target, { token: 'good' })
    assert.equal(result.message.statusCode, 503)
    assert.match(
      result.kind === 'refused' ? result.text : '',
      /^cluster leaf1 cannot be reached at https:.*ECONNREFUSED/,
    )
    await served.server.close()
    await leaf.close()
  })
})
