import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import { after, before, describe, it } from 'node:test'
import { type Peer, startPeer } from '../testing/leaf.ts'
import { ask, type Served, serve } from '../testing/serve.ts'
import { refusal } from './stream.ts'

describe('a log through the kubelet API', () => {
  let leaf: Peer
  let served: Served
  let reply: (request: IncomingMessage, response: ServerResponse) => void
  before(async () => {
    leaf = await startPeer()
    leaf.server.on('request', (request, response) => reply(request, response))
    served = await serve({
      locate: () => ({ kind: 'found', connection: leaf.connection, namespace: 'leaf-ns', name: 'leaf-pod' }),
    })
  })
  after(async () => {
    await served.server.close()
    await leaf.close()
  })

  const path = '/containerLogs/default/web/main'
  const open = async (query = '') => {
    const request = https.request({
      host: '127.0.0.1',
      port: served.port,
      path: path + query,
      headers: { authorization: 'Bearer good' },
      rejectUnauthorized: false,
      agent: false,
    })
    request.on('error', () => {})
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return { request, response }
  }

  it('is what the leaf’s API server gives for that container', async () => {
    let asked = ''
    reply = (request, response) => {
      asked = `${request.method} ${request.url} ${request.headers.authorization}`
      response.writeHead(200, { 'Content-Type': 'text/plain' })
      response.end('one\ntwo\n')
    }
    const { code, text, headers } = await ask(served.port, `${path}?tailLines=2&timestamps=true`, { token: 'good' })
    assert.deepEqual([code, text, headers['content-type']], [200, 'one\ntwo\n', 'text/plain'])
    assert.equal(
      asked,
      'GET /prefix/api/v1/namespaces/leaf-ns/pods/leaf-pod/log?container=main&timestamps=true&tailLines=2 Bearer leaf-token',
    )
  })

  it('begins when the leaf’s answer begins, before there is a line, and goes on line by line until the leaf ends it', async () => {
    let write: ServerResponse | undefined
    reply = (_request, response) => {
      write = response
      response.writeHead(200, { 'Content-Type': 'text/plain' })
      response.flushHeaders()
    }
    const { response } = await open('?follow=true')
    assert.equal(response.statusCode, 200)
    for (const line of ['first\n', 'second\n']) {
      write?.write(line)
      const [chunk] = await once(response, 'data')
      assert.equal(String(chunk), line)
    }
    write?.end()
    await once(response, 'end')
    assert.equal(response.complete, true)
  })

  it('ends in the leaf at once when the reader goes away, before and after the first line', async () => {
    for (const begin of [false, true]) {
      const arrived = new Promise<IncomingMessage>((resolve) => {
        reply = (request, response) => {
          if (begin) response.write('line\n')
          resolve(request)
        }
      })
      const request = https.request({
        host: '127.0.0.1',
        port: served.port,
        path: `${path}?follow=true`,
        headers: { authorization: 'Bearer good' },
        rejectUnauthorized: false,
        agent: false,
      })
      request.on('error', () => {})
      request.end()
      const closed = once((await arrived).socket, 'close')
      request.destroy()
      await closed
    }
  })

  it('breaks off, and does not look complete, when the leaf breaks off', async () => {
    reply = (_request, response) => {
      response.write('half a li')
      setImmediate(() => response.socket?.destroy())
    }
    const { response } = await open('?follow=true')
    await assert.rejects(async () => {
      for await (const _chunk of response);
    })
    assert.equal(response.complete, false)
  })

  it('is not read from the leaf faster than the reader reads', async () => {
    let written = 0
    const stalled = new Promise<void>((resolve) => {
      reply = async (_request, response) => {
        response.on('error', () => {})
        const chunk = Buffer.alloc(1024 * 1024, 'x')
        while (written < 512 * chunk.length) {
          written += chunk.length
          if (response.write(chunk)) continue
          const drained = await Promise.race([
            once(response, 'drain').then(() => true),
            new Promise<false>((settle) => setTimeout(settle, 500, false)),
          ])
          if (!drained) break
        }
        resolve()
      }
    })
    const { request, response } = await open()
    response.pause()
    await stalled
    // What is on its way sits in kernel buffers and in one buffer of each socket.
    assert.ok(written < 64 * 1024 * 1024, `${written} bytes were taken from the leaf`)
    request.destroy()
  })

  it('is text, whatever the leaf calls it', async () => {
    reply = (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<script>')
    }
    const { headers } = await ask(served.port, path, { token: 'good' })
    assert.deepEqual([headers['content-type'], headers['x-content-type-options']], ['text/plain', 'nosniff'])
  })

  it('is not looked for where the leaf would send the reader', async () => {
    reply = (_request, response) => {
      response.writeHead(302, { Location: 'https://elsewhere/' }).end()
    }
    const { code, text } = await ask(served.port, path, { token: 'good' })
    assert.deepEqual([code, text], [502, 'cluster leaf1 redirects the request, which is not followed'])
  })

  it('comes whole to a client that would rather upgrade', async () => {
    const body = 'x'.repeat(4 * 1024 * 1024)
    reply = (_request, response) => response.end(body)
    const headers = { authorization: 'Bearer good', connection: 'Upgrade', upgrade: 'websocket' }
    const { code, text } = await ask(served.port, path, { headers })
    assert.deepEqual([code, text.length], [200, body.length])
  })

  it('is never that of another container because the path names none, nor is the namespace or the pod left out', async () => {
    reply = () => assert.fail('the leaf was asked')
    for (const target of ['/containerLogs/default/web/', '/containerLogs/default//main', '/containerLogs//web/main'])
      assert.equal((await ask(served.port, target, { token: 'good' })).code, 404)
  })

  it('shows the leaf’s refusal as the kubelet would have said it', async () => {
    reply = (_request, response) => {
      response.writeHead(400, { 'Content-Type': 'application/json', 'Retry-After': '3' })
      response.end('{"kind":"Status","message":"previous terminated container \\"main\\" in pod \\"web\\" not found"}')
    }
    const { code, text, headers } = await ask(served.port, `${path}?previous=true`, { token: 'good' })
    assert.deepEqual(
      [code, text, headers['retry-after']],
      [400, 'previous terminated container "main" in pod "web" not found', '3'],
    )
  })

  it('is refused before the leaf hears of it when the query is wrong', async () => {
    reply = () => assert.fail('the leaf was asked')
    assert.equal((await ask(served.port, `${path}?tailLines=x`, { token: 'good' })).code, 400)
    assert.equal((await ask(served.port, `${path}?tailLines=-1`, { token: 'good' })).code, 422)
  })
})

describe('a log that is not there', () => {
  const path = '/containerLogs/default/web/main'

  it('is 404 for a pod that the node does not have, 503 while its cluster is away', async () => {
    const absent = await serve({ locate: () => ({ kind: 'absent', message: 'pod "web" does not exist' }) })
    const gone = await ask(absent.port, path, { token: 'good' })
    assert.deepEqual([gone.code, gone.text], [404, 'pod "web" does not exist'])
    await absent.server.close()
    const away = await serve({ locate: () => ({ kind: 'unavailable', message: 'cluster leaf1 is away' }) })
    const later = await ask(away.port, path, { token: 'good' })
    assert.deepEqual([later.code, later.text], [503, 'cluster leaf1 is away'])
    await away.server.close()
  })

  it('is 503 with the cluster’s name when nobody answers there', async () => {
    const leaf = await startPeer()
    const served = await serve({
      locate: () => ({ kind: 'found', connection: leaf.connection, namespace: 'ns', name: 'pod' }),
    })
    await new Promise<void>((resolve) => leaf.server.close(() => resolve()))
    const { code, text } = await ask(served.port, path, { token: 'good' })
    assert.equal(code, 503)
    assert.match(text, /^the log cannot be read now: leaf1: no answer from https:/)
    await served.server.close()
    await leaf.close()
  })

  it('never shows the user that Kosmos itself is not logged in as the user’s own fault', () => {
    const { code, text } = refusal(401, '{"kind":"Status","message":"Unauthorized"}', 'leaf1')
    assert.equal(code, 502)
    assert.match(text, /leaf1 does not accept the credentials/)
  })
})
