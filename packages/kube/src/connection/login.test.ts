import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { Credential } from '@kosmos/testbed'
import { Connection } from './connection.ts'
import { createLoginSource } from './login.ts'
import { type Certificates, configFor, createCertificates, startPeer, unhurried } from './peer.fixture.ts'
import { createTransport } from './transport.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'kosmos-login-'))
after(() => rmSync(folder, { recursive: true }))

let certificates: Certificates
let bob: Credential
before(async () => {
  certificates = await createCertificates()
  bob = await certificates.authority.issue({ commonName: 'bob', client: true })
})

const trusted = () => ({ caFile: written('ca.crt', certificates.authority.certificate) })
const get = { method: 'GET', path: '/' } as const

/** Whom the request comes from, by its certificate or else its token. */
function caller({ socket, headers }: IncomingMessage): string | undefined {
  const subject = (socket as TLSSocket).getPeerCertificate().subject
  return subject ? String(subject.CN) : headers.authorization
}

/** A server that knows one caller only, and who has called. */
async function startServer(t: TestContext, onAnswer: (response: ServerResponse) => void = (r) => r.end('hello')) {
  let known: string | undefined
  const callers: (string | undefined)[] = []
  const peer = await startPeer(
    t,
    certificates,
    (request, response) => {
      callers.push(caller(request))
      if (known !== undefined && caller(request) !== known) response.writeHead(401).end()
      else onAnswer(response)
      // It hangs up on nobody itself.
    },
    { keepAliveTimeout: 60_000 },
  )
  const connect = async (user: object) => {
    const connection = new Connection('leaf', await createTransport(configFor(peer.url, trusted(), user), unhurried))
    t.after(() => connection.close())
    return connection
  }
  const knowOnly = (name: string) => {
    known = name
  }
  return { connect, callers, knowOnly, sockets: peer.sockets }
}

function written(name: string, content: string): string {
  const file = path.join(folder, name)
  writeFileSync(file, content)
  return file
}

/** A plug-in that prints these one after the other, the last one for ever, and how often it ran. */
function plugin(name: string, ...statuses: readonly object[]) {
  const runs = written(`${name}-runs`, '')
  for (const [index, status] of statuses.entries()) written(`${name}-${index + 1}`, JSON.stringify({ status }))
  const script = `echo run >> ${runs}; n=$(wc -l < ${runs}); [ $n -gt ${statuses.length} ] && n=${statuses.length}; cat ${path.join(folder, name)}-$n`
  return {
    exec: { command: 'sh', args: ['-c', script] },
    runs: () => readFileSync(runs, 'utf8').split('\n').length - 1,
  }
}

const by = ({ certificate, key }: Credential) => ({ clientCertificateData: certificate, clientKeyData: key })

describe('a login from files', { timeout: 120_000 }, () => {
  it('is read again once a minute, and is the same object as long as it is the same', async () => {
    let now = 0
    const tokenFile = written('token', 'one')
    const user = { authProvider: { name: 'tokenFile', config: { tokenFile } } }
    const source = await createLoginSource(configFor('https://127.0.0.1:1', trusted(), user), () => now)
    const token = async () => (await source.current()).headers.Authorization
    now = 60_000
    assert.equal(await source.current(), source.first)
    written('token', 'two\n')
    now += 59_999
    assert.equal(await token(), 'Bearer one')
    now += 1
    assert.equal(await token(), 'Bearer two')
  })

  it('is the former one while the files hold none that is whole, and the new one as soon as they do', async () => {
    let now = 0
    const { client } = certificates
    const [certFile, keyFile] = [written('tls.crt', client.certificate), written('tls.key', client.key)]
    const config = configFor('https://127.0.0.1:1', trusted(), { certFile, keyFile })
    const source = await createLoginSource(config, () => now)
    now = 60_000
    for (const half of ['', '-----BEGIN', bob.certificate]) {
      written('tls.crt', half)
      assert.equal(await source.current(), source.first)
    }
    rmSync(certFile)
    assert.equal(await source.current(), source.first)
    written('tls.crt', bob.certificate)
    written('tls.key', bob.key)
    assert.equal(String((await source.current()).tls.cert), bob.certificate)
  })

  it('is read again at once when the server does not take it: a token may be revoked before its time', async (t) => {
    const tokenFile = written('revoked', 'one')
    const { connect, callers, knowOnly } = await startServer(t)
    const connection = await connect({ authProvider: { name: 'tokenFile', config: { tokenFile } } })
    await connection.request(get)
    written('revoked', 'two')
    knowOnly('Bearer two')
    assert.equal((await connection.request(get)).code, 401)
    assert.equal((await connection.request(get)).code, 200)
    assert.deepEqual(callers, ['Bearer one', 'Bearer one', 'Bearer two'])
  })

  it('by another certificate opens other connections, and what is under way goes on with the one it began with', async (t) => {
    const { client } = certificates
    const [certFile, keyFile] = [written('renewed.crt', client.certificate), written('renewed.key', client.key)]
    const streams: ServerResponse[] = []
    const { connect, callers, knowOnly, sockets } = await startServer(t, (response) => {
      if (streams.length > 0) response.end('hello')
      else {
        response.writeHead(200).write('a')
        streams.push(response)
      }
    })
    const connection = await connect({ certFile, keyFile })
    const opened = Promise.withResolvers<void>()
    const read: string[] = []
    const stream = connection.stream(
      get,
      { onOpen: opened.resolve, onData: (chunk) => read.push(String(chunk)) },
      10_000,
    )
    await opened.promise
    await connection.request(get)
    written('renewed.crt', bob.certificate)
    written('renewed.key', bob.key)
    knowOnly('bob')
    assert.equal((await connection.request(get)).code, 401)
    assert.equal((await connection.request(get)).code, 200)
    assert.deepEqual(callers, ['alice', 'alice', 'alice', 'bob'])
    streams[0]?.end('b')
    assert.equal((await stream).code, 200)
    assert.equal(read.join(''), 'ab')
    // Those of the former certificate are closed when nothing is under way on them any more.
    while (sockets.size > 1) await new Promise((resolve) => setTimeout(resolve, 5))
    await connection.close()
    while (sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  })
})

describe('a login by an exec plug-in', { timeout: 120_000 }, () => {
  it('that expires is had anew, also when it is a certificate', async (t) => {
    const expirationTimestamp = '2020-01-01T00:00:00Z'
    const { exec } = plugin(
      'certificates',
      { ...by(certificates.client), expirationTimestamp },
      { ...by(bob), expirationTimestamp },
    )
    const { connect, callers } = await startServer(t)
    const connection = await connect({ exec })
    await connection.request(get)
    assert.deepEqual(callers, ['bob'])
  })

  it('that never expires is kept as long as the server takes it, and had anew when it does not', async (t) => {
    const { exec, runs } = plugin('tokens', { token: 'one' }, { token: 'two' })
    const { connect, callers, knowOnly } = await startServer(t)
    const connection = await connect({ exec })
    await connection.request(get)
    await connection.request(get)
    assert.equal(runs(), 1)
    knowOnly('Bearer two')
    const refused = await Promise.all(Array.from({ length: 4 }, () => connection.request(get)))
    assert.deepEqual(
      refused.map(({ code }) => code),
      [401, 401, 401, 401],
    )
    for (let i = 0; i < 2; i++) assert.equal((await connection.request(get)).code, 200)
    assert.equal(runs(), 2)
    assert.deepEqual(new Set(callers), new Set(['Bearer one', 'Bearer two']))
  })

  it('is not had anew for a refusal of one that has been replaced since', async () => {
    const { exec, runs } = plugin('late', { token: 'one' }, { token: 'two' }, { token: 'three' })
    const source = await createLoginSource(configFor('https://127.0.0.1:1', trusted(), { exec }))
    source.refused(source.first)
    const second = await source.current()
    source.refused(source.first)
    assert.equal(await source.current(), second)
    assert.equal(runs(), 2)
  })

  it('is had anew when an answer that is read at the reader’s pace is a refusal, too', async (t) => {
    const { exec } = plugin('logs', { token: 'one' }, { token: 'two' })
    const { connect, knowOnly } = await startServer(t)
    const connection = await connect({ exec })
    knowOnly('Bearer two')
    for (const expected of [401, 200]) {
      const { code, body } = await connection.open(get)
      body.resume()
      assert.equal(code, expected)
    }
  })
})

describe('a login that a kubeconfig holds itself', { timeout: 120_000 }, () => {
  it('stays what it is, whatever the server says of it', async (t) => {
    const { connect, callers, knowOnly } = await startServer(t)
    const connection = await connect({ token: 'one' })
    knowOnly('Bearer two')
    assert.equal((await connection.request(get)).code, 401)
    assert.equal((await connection.request(get)).code, 401)
    assert.deepEqual(callers, ['Bearer one', 'Bearer one'])
  })
})
