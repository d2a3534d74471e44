import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import type { ServerResponse } from 'node:http'
import { before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection, type ConnectionOptions, type RequestObservation } from './connection.ts'
import {
  base64,
  type Certificates,
  configFor,
  createCertificates,
  deadPort,
  startPeer,
  startTcp,
  unhurried,
} from './peer.fixture.ts'
import { createTransport, type TransportOptions } from './transport.ts'

let certificates: Certificates
before(async () => {
  certificates = await createCertificates()
})

async function connectTo(t: TestContext, url: string, options: ConnectionOptions & TransportOptions = {}) {
  const config = configFor(url, { caData: base64(certificates.authority.certificate) }, { token: 't0ken' })
  const connection = new Connection('leaf', await createTransport(config, { ...unhurried, ...options }), options)
  t.after(() => connection.close())
  return connection
}

type Answer = Parameters<typeof startPeer>[2]

async function connected(t: TestContext, answer: Answer, options: ConnectionOptions & TransportOptions = {}) {
  const peer = await startPeer(t, certificates, answer)
  return { peer, connection: await connectTo(t, peer.url, options) }
}

const get = (path = '/', signal?: AbortSignal) => ({ method: 'GET' as const, path, signal })
const never: Answer = () => {}
const tooMany: Answer = (_request, response) => {
  response.writeHead(429, { 'retry-after': '0.02', 'content-type': 'text/plain' }).end('Too many requests')
}

async function until(check: () => boolean): Promise<void> {
  while (!check()) await sleep(1)
}

const unreachable = (cause: RegExp) => (error: Error) => {
  assert.equal(error.name, 'ClusterUnreachable')
  assert.match(error.message, /^leaf: no answer from https:\/\/127\.0\.0\.1:\d+: /)
  assert.match(error.message, cause)
  assert.doesNotMatch(error.message, /t0ken/)
  return true
}
const abortedError = { name: 'RequestAborted' }

describe('a request', { timeout: 120_000 }, () => {
  it('sends JSON below the path of the server’s URL and gives every status as a value', async (t) => {
    const peer = await startPeer(t, certificates, (request, response) => {
      request.setEncoding('utf8')
      let body = ''
      request
        .on('data', (chunk) => {
          body += chunk
        })
        .on('end', () => {
          response.writeHead(404, { 'content-type': 'application/json; charset=utf-8' })
          response.end(JSON.stringify({ path: request.url, type: request.headers['content-type'], body }))
        })
    })
    const connection = await connectTo(t, `${peer.url}/k8s/clusters/c-1/`)
    const answer = await connection.request({
      method: 'PATCH',
      path: '/api/v1/nodes/n?force=true',
      body: { grüße: '🚀' },
      contentType: 'application/merge-patch+json',
    })
    assert.deepEqual(answer, {
      code: 404,
      body: {
        path: '/k8s/clusters/c-1/api/v1/nodes/n?force=true',
        type: 'application/merge-patch+json',
        body: '{"grüße":"🚀"}',
      },
    })
  })

  it('gives text as text and nothing as nothing', async (t) => {
    const { connection } = await connected(t, (request, response) => {
      if (request.url === '/text') response.writeHead(200, { 'content-type': 'text/plain' }).end('ok')
      else response.writeHead(200, { 'content-type': 'application/json' }).end()
    })
    assert.deepEqual(await connection.request(get('/text')), { code: 200, body: 'ok' })
    assert.deepEqual(await connection.request(get('/')), { code: 200, body: '' })
  })

  it('is given up when its answer is longer than an API server gives, however small its pieces are', async (t) => {
    const maxAnswerBytes = 1 << 20
    const { peer, connection } = await connected(
      t,
      (request, response) => {
        if (request.url === '/fits') {
          response.end('x'.repeat(maxAnswerBytes - (64 << 10)))
          return
        }
        if (request.url === '/refusal') response.writeHead(403)
        const piece = Buffer.alloc(request.url === '/tiny' ? 1 : 64 << 10, 'hunter2')
        const send = () => {
          while (response.write(piece));
          response.once('drain', send)
        }
        send()
      },
      { maxAnswerBytes, breaker: { threshold: 1 } },
    )
    const tooLong = (path: string) => (error: Error) => {
      assert.doesNotMatch(`${error.message} ${error.cause}`, /hunter2/)
      return unreachable(
        new RegExp(`GET ${path}: the answer is longer than 1 MiB, which is more than an API server sends: look at`),
      )(error)
    }
    await assert.rejects(connection.request(get('/endless?secret=hunter2')), tooLong('/endless'))
    await assert.rejects(connection.request(get('/tiny')), tooLong('/tiny'))
    const handlers = { onOpen() {}, onData() {} }
    await assert.rejects(connection.stream(get('/refusal'), handlers, 5_000), tooLong('/refusal'))
    await until(() => peer.sockets.size === 0)
    assert.equal(String((await connection.request(get('/fits'))).body).length, maxAnswerBytes - (64 << 10))
  })

  it('is given up when the answers that are under way are too much together, and counts no more then', async (t) => {
    const maxAnswerBytes = 1 << 20
    const most = 900 << 10
    const begun: ServerResponse[] = []
    const { connection } = await connected(
      t,
      (request, response) => {
        if (request.url === '/whole') return void response.end('x'.repeat(most))
        response.write('x'.repeat(most))
        begun.push(response)
      },
      { maxAnswerBytes, breaker: { threshold: 100 } },
    )
    const refusals: Error[] = []
    const answers = Array.from({ length: 12 }, async () => {
      await connection.request(get('/part')).catch((error: Error) => refusals.push(error))
    })
    // Nine of them fit.
    await until(() => begun.length === 12 && refusals.length === 3)
    for (const response of begun) response.end()
    await Promise.all(answers)
    const tooMuch = /GET \/part: the answers that are under way are together longer than 8 MiB, which is more/
    assert.deepEqual(refusals.map(unreachable(tooMuch)), [true, true, true])
    const whole = Array.from({ length: 9 }, () => connection.request(get('/whole')))
    assert.equal((await Promise.all(whole)).length, 9)
  })

  it('is unanswered when the answer is broken JSON or cut off, and its content is in no error', async (t) => {
    const { connection } = await connected(t, (request, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': request.url === '/cut' ? 99 : 12,
      })
      response.write('{"a":hunter2')
      if (request.url === '/cut') setImmediate(() => response.destroy())
      else response.end()
    })
    const check = (cause: RegExp) => (error: Error) => {
      assert.doesNotMatch(`${error.message} ${error.cause} ${(error.cause as Error).cause}`, /hunter2/)
      return unreachable(cause)(error)
    }
    await assert.rejects(connection.request(get('/whole')), check(/not JSON/))
    await assert.rejects(connection.request(get('/cut')), check(/./))
  })

  it('is observed once for each answer and each lack of one; an observer that throws changes nothing', async (t) => {
    t.mock.method(process, 'emitWarning', () => {})
    const seen: RequestObservation[] = []
    const { peer, connection } = await connected(
      t,
      ({ url }, response) => response.writeHead(url === '/ok' ? 200 : 500).end(),
      {
        onRequest: (observation) => {
          seen.push(observation)
          throw new Error('broken observer')
        },
      },
    )
    const handlers = { onOpen: () => {}, onData: () => {} }
    assert.equal((await connection.request(get('/a'))).code, 500)
    await connection.stream(get('/refused'), handlers, 1_000)
    await connection.stream(get('/ok'), handlers, 1_000)
    assert.equal((await connection.open(get('/log'))).code, 500)
    peer.close()
    await assert.rejects(connection.request(get('/b')))
    await assert.rejects(connection.stream(get('/b'), handlers, 1_000))
    await assert.rejects(connection.open(get('/b')))
    assert.deepEqual(
      seen.map(({ method, path, code }) => `${method} ${path} ${code}`),
      ['GET /a 500', 'GET /refused 500', 'GET /ok 200', 'GET /log 500', 'GET /b 0', 'GET /b 0', 'GET /b 0'],
    )
  })
})

describe('a server that says "later"', { timeout: 120_000 }, () => {
  it('is asked again no sooner than it said, until it answers', async (t) => {
    const times: number[] = []
    const { connection } = await connected(t, (_request, response) => {
      times.push(performance.now())
      if (times.length < 3) response.writeHead(429, { 'retry-after': '0.4' }).end()
      else response.end('done')
    })
    // How much of chance there is in the pause: a shorter one would be seen.
    t.mock.method(Math, 'random', () => 0.9)
    assert.equal((await connection.request(get())).body, 'done')
    for (const [index, time] of times.slice(1).entries()) assert.ok(time - (times[index] ?? 0) >= 399)
  })

  it('is asked again after a 5xx with Retry-After too, and after no other answer', async (t) => {
    const { peer, connection } = await connected(t, ({ url = '' }, response) => {
      const isFirst = peer.asked.filter(({ line }) => line === `GET ${url}`).length === 1
      response.writeHead(isFirst ? Number(url.slice(1)) : 200, { 'retry-after': '0.01' }).end()
    })
    const codes: number[] = []
    for (const code of [500, 503, 499, 409]) codes.push((await connection.request(get(`/${code}`))).code)
    assert.deepEqual(codes, [200, 200, 499, 409])
  })

  it('is not asked again for ever: its answer is given in the end', async (t) => {
    const { peer, connection } = await connected(t, tooMany, { maxRetries: 3 })
    assert.deepEqual(await connection.request(get()), { code: 429, body: 'Too many requests', retryAfterMs: 20 })
    assert.equal(peer.asked.length, 4)
  })

  it('but not when, is not asked again: that 429 is about the object, as a disruption budget is', async (t) => {
    const times = [undefined, '0', '-1', 'Wed, 21 Oct 2015 07:28:00 GMT']
    const { peer, connection } = await connected(t, (_request, response) => {
      const time = times[peer.asked.length - 1]
      response.writeHead(429, time === undefined ? {} : { 'retry-after': time }).end()
    })
    for (const _ of times) assert.equal((await connection.request(get())).code, 429)
    assert.equal(peer.asked.length, times.length)
  })

  it('is asked again all the same when it names a time that no timer can wait for', async (t) => {
    const later: Answer = (_request, response) => response.writeHead(503, { 'retry-after': '1e20' }).end()
    const { connection } = await connected(t, later, { maxRetries: 0 })
    assert.equal((await connection.request(get())).retryAfterMs, 300_000)
  })

  it('is not waited for longer than the caller has time: a heartbeat is not to stop for what Retry-After says', async (t) => {
    const { peer, connection } = await connected(t, (_request, response) => {
      response.writeHead(503, { 'retry-after': peer.asked.length < 3 ? '0.01' : '3600' }).end('busy')
    })
    const answer = await connection.request({ ...get(), timeoutMs: 10_000 })
    assert.deepEqual([answer.code, answer.body, peer.asked.length], [503, 'busy', 3])
  })

  it('is not waited for by a caller who gives up', async (t) => {
    const { peer, connection } = await connected(t, (_request, response) => {
      response.writeHead(429, { 'retry-after': '3600' }).end()
    })
    const stop = new AbortController()
    const asked = connection.request(get('/', stop.signal))
    await until(() => peer.asked.length === 1)
    stop.abort()
    await assert.rejects(asked, abortedError)
  })
})

describe('a caller who gives up', { timeout: 120_000 }, () => {
  it('is answered at once, wherever its request is', async (t) => {
    const dead = await startTcp(t, () => {})
    const cases: Record<string, () => Promise<Connection>> = {
      'waiting for an answer': async () => (await connected(t, never)).connection,
      'waiting for TLS': () => connectTo(t, `https://127.0.0.1:${dead.port}`),
      'waiting for a connection of the pool': async () => {
        const { peer, connection } = await connected(t, never, { maxConnections: 1 })
        connection.request(get('/occupies-it')).catch(() => {})
        await until(() => peer.asked.length === 1)
        return connection
      },
    }
    for (const [where, prepare] of Object.entries(cases)) {
      const connection = await prepare()
      const stop = new AbortController()
      const asked = connection.request(get('/', stop.signal))
      await sleep(20)
      stop.abort()
      // The next turn of the event loop, not a time-out of the transport, ends it.
      const first = await Promise.race([asked.catch((error: Error) => error.name), sleep(1_000, 'hangs')])
      assert.equal(first, 'RequestAborted', where)
    }
  })

  it('sends nothing any more, not even when a connection becomes free', async (t) => {
    const { peer, connection } = await connected(
      t,
      (request, response) => {
        if (request.url === '/first') setTimeout(() => response.end(), 50)
        else response.end()
      },
      { maxConnections: 1 },
    )
    const first = connection.request(get('/first'))
    const stop = new AbortController()
    const dropped = connection.request(get('/dropped', stop.signal))
    await until(() => peer.asked.length === 1)
    stop.abort()
    await assert.rejects(dropped, abortedError)
    await first
    await connection.request(get('/last'))
    assert.deepEqual(
      peer.asked.map(({ line }) => line),
      ['GET /first', 'GET /last'],
    )
  })

  it('may have given many requests the same signal, and none leaves anything at it', async (t) => {
    const { connection } = await connected(t, (request, response) => {
      if (request.url === '/cut') response.destroy()
      else response.end()
    })
    const { signal } = new AbortController()
    await connection.request(get('/', signal))
    await connection.stream(get('/', signal), { onOpen() {}, onData() {} }, 60_000)
    await assert.rejects(connection.request(get('/cut', signal)))
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
  })

  it('sends nothing at all when it gave up before', async (t) => {
    const { peer, connection } = await connected(t, never)
    await assert.rejects(connection.request(get('/', AbortSignal.abort())), abortedError)
    await assert.rejects(
      connection.stream(get('/', AbortSignal.abort()), { onOpen() {}, onData() {} }, 1_000),
      abortedError,
    )
    assert.deepEqual(peer.asked, [])
  })

  it('is no failure of the server, and takes the trial from nobody', async (t) => {
    const { peer, connection } = await connected(t, (request, response) => {
      if (request.url !== '/hang') response.end()
    })
    const giveUp = async () => {
      const stop = new AbortController()
      const before = peer.asked.length
      const asked = connection.request(get('/hang', stop.signal))
      await until(() => peer.asked.length > before)
      stop.abort()
      await assert.rejects(asked, abortedError)
    }
    for (let i = 0; i < 10; i++) await giveUp()
    assert.equal(connection.breaker.retryInMs(), 0)
    for (let i = 0; i < 3; i++) connection.breaker.failed()
    await until(() => connection.breaker.retryInMs() === 0)
    await giveUp()
    assert.equal((await connection.request(get('/ok'))).code, 200)
    assert.ok(peer.asked.length > 0)
  })
})

describe('a server that does not answer', { timeout: 120_000 }, () => {
  it('is given up when TLS does not come about in time', async (t) => {
    const { port } = await startTcp(t, () => {})
    const connection = await connectTo(t, `https://127.0.0.1:${port}`, { connectTimeoutMs: 50 })
    await assert.rejects(connection.request(get()), unreachable(/Connect Timeout/))
  })

  it('is given up when it does not begin its answer in time, or does not end it', async (t) => {
    const { connection } = await connected(
      t,
      (request, response) => {
        if (request.url === '/slow') response.write('begun')
      },
      { answerTimeoutMs: 50 },
    )
    await assert.rejects(connection.request(get('/never')), unreachable(/Headers Timeout/))
    await assert.rejects(
      connection.request({ ...get('/slow'), timeoutMs: 50 }),
      unreachable(/no full answer within 50 ms/),
    )
  })

  it('counts as such once its time is over, and not when it has answered before', async (t) => {
    const answer: Answer = (request, response) => {
      if (request.url === '/well') response.end()
    }
    const { connection } = await connected(t, answer, { breaker: { threshold: 2 } })
    const timeoutMs = 2_000
    assert.equal((await connection.request({ ...get('/well'), timeoutMs })).code, 200)
    await assert.rejects(connection.request({ ...get('/never'), timeoutMs }), unreachable(/within 2000 ms/))
    assert.equal(connection.breaker.retryInMs(), 0)
    await assert.rejects(connection.request({ ...get('/never'), timeoutMs: 20 }), unreachable(/within 20 ms/))
    assert.ok(connection.breaker.retryInMs() > 0)
  })

  it('opens the breaker: callers fail at once until one trial finds it back', async (t) => {
    const connection = await connectTo(t, `https://127.0.0.1:${await deadPort(t)}`, {
      breaker: { threshold: 3, minOpenMs: 60_000, maxOpenMs: 60_000 },
    })
    for (let i = 0; i < 3; i++) await assert.rejects(connection.request(get()), unreachable(/ECONNREFUSED/))
    await assert.rejects(connection.request(get()), unreachable(/not answering; next attempt in 60 s/))
    await assert.rejects(
      connection.stream(get(), { onOpen() {}, onData() {} }, 1_000),
      unreachable(/not answering; next attempt in 60 s/),
    )
    await assert.rejects(connection.open(get()), unreachable(/not answering; next attempt in 60 s/))
  })

  it('is tried by one caller at a time once the pause is over; its answer lets all through', async (t) => {
    let mode: 'dead' | 'slow' | 'well' = 'dead'
    const trial = Promise.withResolvers<void>()
    const { peer, connection } = await connected(
      t,
      (request, response) => {
        if (mode === 'dead') request.socket.destroy()
        else if (mode === 'well') response.end()
        else void trial.promise.then(() => response.end())
      },
      { breaker: { threshold: 2, minOpenMs: 50, maxOpenMs: 60_000 } },
    )
    for (let i = 0; i < 2; i++) await assert.rejects(connection.request(get('/dead')), unreachable(/./))
    mode = 'slow'
    await until(() => connection.breaker.retryInMs() === 0)
    const asked = connection.request(get('/trial'))
    await until(() => peer.asked.at(-1)?.line === 'GET /trial')
    await assert.rejects(connection.request(get('/refused')), unreachable(/not answering/))
    mode = 'well'
    trial.resolve()
    assert.equal((await asked).code, 200)
    const answers = await Promise.all([1, 2, 3].map((n) => connection.request(get(`/${n}`))))
    assert.deepEqual(
      answers.map(({ code }) => code),
      [200, 200, 200],
    )
    assert.ok(!peer.asked.some(({ line }) => line === 'GET /refused'))
  })

  it('is not taken for dead because of a request that cannot be written', async (t) => {
    const { connection } = await connected(t, (_request, response) => response.end(), { breaker: { threshold: 1 } })
    const malformed = { ...get(), headers: { 'x-bad': 'line\nbreak' } }
    await assert.rejects(connection.request(malformed))
    await assert.rejects(connection.open(malformed))
    assert.equal((await connection.request(get())).code, 200)
  })

  it('is not taken for dead because somebody behind it is silent, but because it does not take a request', async (t) => {
    const { peer, connection } = await connected(t, never, { breaker: { threshold: 1 }, answerTimeoutMs: 50 })
    const forwarded = { ...get('/api/v1/nodes/gone/proxy/stats'), forwarded: true }
    await assert.rejects(
      connection.request({ ...forwarded, timeoutMs: 20 }),
      unreachable(/no full answer within 20 ms/),
    )
    await assert.rejects(connection.request(forwarded), unreachable(/Headers Timeout/))
    assert.equal(connection.breaker.retryInMs(), 0)
    peer.close()
    await assert.rejects(connection.request(forwarded))
    assert.ok(connection.breaker.retryInMs() > 0)
  })

  it('costs another server nothing', async (t) => {
    const dead = await connectTo(t, `https://127.0.0.1:${await deadPort(t)}`, { breaker: { threshold: 1 } })
    const { connection } = await connected(t, (_request, response) => response.end())
    await assert.rejects(dead.request(get()))
    assert.equal((await connection.request(get())).code, 200)
  })
})

describe('a stream', { timeout: 120_000 }, () => {
  const collect = () => {
    const events: string[] = []
    return {
      events,
      handlers: {
        onOpen: () => events.push('open'),
        onData: (chunk: Buffer) => events.push(chunk.toString()),
      },
    }
  }

  it('hands over bytes as they come and resolves when the server ends it', async (t) => {
    const { connection } = await connected(t, (_request, response) => {
      response.write('one')
      setTimeout(() => response.end('two'), 20)
    })
    const { events, handlers } = collect()
    assert.equal((await connection.stream(get(), handlers, 5_000)).code, 200)
    assert.deepEqual(events, ['open', 'one', 'two'])
  })

  it('that is refused gives the answer and never opens', async (t) => {
    const { connection } = await connected(t, (_request, response) => {
      response.writeHead(410, { 'content-type': 'application/json', 'retry-after': '2' }).end('{"kind":"Status"}')
    })
    const { events, handlers } = collect()
    assert.deepEqual(await connection.stream(get(), handlers, 5_000), {
      code: 410,
      body: { kind: 'Status' },
      retryAfterMs: 2_000,
    })
    assert.deepEqual(events, [])
  })

  it('that falls silent is given up, one that speaks in time is not', async (t) => {
    let timer: NodeJS.Timeout | undefined
    t.after(() => clearInterval(timer))
    const { connection } = await connected(t, (request, response) => {
      response.write('begun')
      if (request.url !== '/lively') return
      // Often: a turn of a busy machine may take a while.
      let left = 30
      timer = setInterval(() => (left-- > 0 ? response.write('more') : response.end()), 80)
    })
    const { handlers } = collect()
    await assert.rejects(connection.stream(get('/silent'), handlers, 2_000), unreachable(/Body Timeout/))
    assert.equal((await connection.stream(get('/lively'), handlers, 2_000)).code, 200)
  })

  it('that breaks off is unanswered, but no failure of the server', async (t) => {
    const { connection } = await connected(
      t,
      (_request, response) => {
        response.write('begun')
        setImmediate(() => response.destroy())
      },
      { breaker: { threshold: 1 } },
    )
    await assert.rejects(connection.stream(get(), collect().handlers, 5_000), unreachable(/./))
    assert.equal(connection.breaker.retryInMs(), 0)
  })

  it('ends at once with its signal, and with the connection', async (t) => {
    for (const how of ['signal', 'close'] as const) {
      const { peer, connection } = await connected(t, (_request, response) => response.write('begun'))
      const stop = new AbortController()
      const { events, handlers } = collect()
      const streaming = connection.stream(get('/', stop.signal), handlers, 60_000)
      const ended = assert.rejects(streaming, abortedError)
      await until(() => events.length === 2)
      if (how === 'signal') stop.abort()
      else await connection.close()
      await ended
      await until(() => peer.sockets.size === 0)
    }
  })

  it('ends with what its reader throws, as it was thrown', async (t) => {
    const { peer, connection } = await connected(t, (_request, response) => response.write('begun'))
    const broken = { onOpen() {}, onData: () => assert.fail('cannot read this') }
    await assert.rejects(connection.stream(get(), broken, 5_000), { message: 'cannot read this' })
    assert.equal(connection.breaker.retryInMs(), 0)
    await until(() => peer.sockets.size === 0)
  })

  it('never takes a connection from the requests', async (t) => {
    const { connection } = await connected(
      t,
      (request, response) => {
        if (request.url === '/watch') response.write('begun')
        else response.end()
      },
      { maxConnections: 1 },
    )
    const opened: Promise<void>[] = []
    const ends = Array.from({ length: 5 }, () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      opened.push(promise)
      return assert.rejects(connection.stream(get('/watch'), { onOpen: resolve, onData() {} }, 60_000), abortedError)
    })
    await Promise.all(opened)
    assert.equal((await connection.request(get('/'))).code, 200)
    await connection.close()
    await Promise.all(ends)
  })
})

describe('an answer that is read at the reader’s pace', { timeout: 120_000 }, () => {
  it('is handed over unread, whatever its status, and never asked for again', async (t) => {
    const { peer, connection } = await connected(t, (request, response) => {
      response.writeHead(request.url === '/log' ? 200 : 429, { 'retry-after': '0.01', 'x-kind': 'log' }).end('lines')
    })
    for (const [path, code] of [
      ['/log', 200],
      ['/busy', 429],
    ] as const) {
      const answer = await connection.open(get(path))
      assert.deepEqual([answer.code, answer.headers['x-kind']], [code, 'log'])
      assert.equal(Buffer.concat(await answer.body.toArray()).toString(), 'lines')
    }
    assert.equal(peer.asked.length, 2)
  })

  it('holds the server back while nobody reads', async (t) => {
    let sent = 0
    const { connection } = await connected(t, (_request, response) => {
      const fill = () => {
        do sent += 64 << 10
        while (sent < 1 << 28 && response.write(Buffer.alloc(64 << 10)))
        response.once('drain', fill)
      }
      fill()
    })
    const { body } = await connection.open(get())
    body.on('error', () => {})
    let before = -1
    // Until the buffers on the way are full and nothing moves any more.
    while (before !== sent) {
      before = sent
      await sleep(100)
    }
    assert.ok(sent < 1 << 26, `${sent} bytes were sent to nobody`)
    body.destroy()
  })

  it('ends with the signal, and with the connection', async (t) => {
    for (const how of ['signal', 'close'] as const) {
      const { peer, connection } = await connected(t, (_request, response) => response.write('begun'))
      const stop = new AbortController()
      const { body } = await connection.open(get('/', stop.signal))
      const ended = assert.rejects(body.toArray())
      if (how === 'signal') stop.abort()
      else await connection.close()
      await ended
      await until(() => peer.sockets.size === 0)
    }
  })

  it('may take its time to begin when that is asked for, and else is given up', async (t) => {
    const { connection } = await connected(
      t,
      (_request, response) => {
        setTimeout(() => response.end('late'), 1_500)
      },
      { answerTimeoutMs: 50 },
    )
    await assert.rejects(connection.open(get()), unreachable(/Headers Timeout/))
    assert.equal((await connection.open(get(), { answerMs: 0 })).code, 200)
  })

  it('is nothing to wait for when the caller gives up', async (t) => {
    const { peer, connection } = await connected(t, never)
    const stop = new AbortController()
    const opening = assert.rejects(connection.open(get('/', stop.signal)), abortedError)
    await until(() => peer.asked.length === 1)
    stop.abort()
    await opening
    assert.equal(connection.breaker.retryInMs(), 0)
  })
})

describe('another login', { timeout: 120_000 }, () => {
  const transportOf = async (url: string, user: Parameters<typeof configFor>[2]) =>
    await createTransport(configFor(url, { caData: base64(certificates.authority.certificate) }, user), unhurried)

  it('is that of all that begins from then on, while a stream and a request go on with the one they began with', async (t) => {
    const open = new Map<string, () => void>()
    const { peer, connection } = await connected(t, (request, response) => {
      if (request.url === '/now') response.end('done')
      else {
        response.write('begun ')
        open.set(request.url ?? '', () => response.end('done'))
      }
    })
    const seen: string[] = []
    const handlers = { onOpen() {}, onData: (chunk: Buffer) => void seen.push(chunk.toString()) }
    const stream = connection.stream(get('/watch'), handlers, 10_000)
    const request = connection.request(get('/slow'))
    await until(() => open.size === 2 && seen.length === 1)
    const before = peer.sockets.size
    const { client } = certificates
    connection.logInBy(
      await transportOf(peer.url, { certData: base64(client.certificate), keyData: base64(client.key) }),
    )
    assert.equal((await connection.request(get('/now'))).code, 200)
    assert.deepEqual(peer.asked.at(-1), { line: 'GET /now', login: 'alice' })
    for (const end of open.values()) end()
    assert.equal((await request).body, 'begun done')
    assert.equal((await stream).code, 200)
    assert.equal(seen.join(''), 'begun done')
    assert.equal(peer.asked.length, 3)
    // What the former login had open is closed with the last that was under way on it.
    await until(() => peer.sockets.size === 1)
    assert.equal(before, 2)
  })

  it('loses no request that is sent at the same moment', async (t) => {
    const { peer, connection } = await connected(t, (_request, response) => response.end())
    const users = [...'abcdefgh']
    const transports = await Promise.all(users.map((token) => transportOf(peer.url, { token })))
    const answers: Promise<{ code: number }>[] = []
    for (const transport of transports) {
      answers.push(connection.request(get()))
      connection.logInBy(transport)
      answers.push(connection.request(get()))
      await Promise.resolve()
      answers.push(connection.request(get()))
    }
    assert.deepEqual(new Set((await Promise.all(answers)).map(({ code }) => code)), new Set([200]))
    await connection.request(get())
    assert.equal(peer.asked.at(-1)?.authorization, 'Bearer h')
  })

  it('ends with the connection, and so does what is under way with those before it', async (t) => {
    const { peer, connection } = await connected(t, (_request, response) => response.write('begun'))
    const opened = Promise.withResolvers<void>()
    const handlers = { onOpen: opened.resolve, onData() {} }
    const ended = assert.rejects(connection.stream(get(), handlers, 60_000), abortedError)
    await opened.promise
    connection.logInBy(await transportOf(peer.url, { token: 'other' }))
    await connection.close()
    await ended
    await until(() => peer.sockets.size === 0)
  })
})

describe('a connection that is closed', { timeout: 120_000 }, () => {
  it('ends what runs and sends nothing more', async (t) => {
    const { peer, connection } = await connected(t, never)
    const ended = assert.rejects(connection.request(get()), abortedError)
    await until(() => peer.asked.length === 1)
    await connection.close()
    await ended
    assert.equal(connection.closed, true)
    await assert.rejects(connection.request(get()), abortedError)
    assert.equal(peer.asked.length, 1)
    await until(() => peer.sockets.size === 0)
  })
})
