import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { Connection } from './connection.ts'
import { KubeConfigError } from './kubeconfig.ts'
import {
  base64,
  type Certificates,
  configFor,
  createCertificates,
  type Peer,
  startConnectProxy,
  startPeer,
  startSocksProxy,
  unhurried,
} from './peer.fixture.ts'
import { createTransport } from './transport.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'kosmos-transport-'))
after(() => rmSync(folder, { recursive: true }))

let certificates: Certificates
before(async () => {
  certificates = await createCertificates()
})

const hello = (t: TestContext) => startPeer(t, certificates, (_request, response) => response.end('hello'))
const trusted = () => ({ caData: base64(certificates.authority.certificate) })

async function ask(t: TestContext, ...config: Parameters<typeof configFor>) {
  const connection = new Connection('leaf', await createTransport(configFor(...config), unhurried))
  t.after(() => connection.close())
  return await connection.request({ method: 'GET', path: '/version' })
}

async function login(t: TestContext, user: Parameters<typeof configFor>[2]) {
  const peer = await hello(t)
  await ask(t, peer.url, trusted(), user)
  return peer.asked[0]
}

describe('a server', { timeout: 120_000 }, () => {
  it('is trusted by the CA of the kubeconfig', async (t) => {
    const peer = await hello(t)
    assert.deepEqual(await ask(t, peer.url, trusted()), { code: 200, body: 'hello' })
  })

  it('is not trusted by any other CA, and learns no token then', async (t) => {
    const other = (await createCertificates()).authority.certificate
    const peer = await hello(t)
    for (const cluster of [{ caData: base64(other) }, {}]) {
      await assert.rejects(ask(t, peer.url, cluster, { token: 'secret' }), {
        name: 'ClusterUnreachable',
        message: /^leaf: no answer from https:[^;]*(certificate|CERT|VERIFY)[^;]*$/,
      })
    }
    assert.deepEqual(peer.asked, [])
  })

  it('is trusted blindly only on insecure-skip-tls-verify', async (t) => {
    const peer = await hello(t)
    assert.equal((await ask(t, peer.url, { skipTLSVerify: true })).code, 200)
  })

  it('may be called by another name than the one on its certificate with tls-server-name', async (t) => {
    const { authority } = certificates
    const named = { ...certificates, server: await authority.issue({ commonName: 's', hosts: ['api.example'] }) }
    const peer = await startPeer(t, named, (_request, response) => response.end('hello'))
    await assert.rejects(ask(t, peer.url, trusted()), /altnames|does not match/)
    assert.equal((await ask(t, peer.url, { ...trusted(), tlsServerName: 'api.example' })).code, 200)
  })
})

describe('a login', { timeout: 120_000 }, () => {
  it('is a client certificate', async (t) => {
    const { client } = certificates
    const asked = await login(t, { certData: base64(client.certificate), keyData: base64(client.key) })
    assert.equal(asked?.login, 'alice')
  })

  it('is a bearer token, or a name with a password', async (t) => {
    assert.equal((await login(t, { token: 't0ken' }))?.authorization, 'Bearer t0ken')
    assert.equal(
      (await login(t, { username: 'u', password: 'p:1' }))?.authorization,
      `Basic ${Buffer.from('u:p:1').toString('base64')}`,
    )
  })

  it('is the token in a file, without the newline at its end', async (t) => {
    const tokenFile = path.join(folder, 'token')
    writeFileSync(tokenFile, 'from-a-file\n')
    const asked = await login(t, { authProvider: { name: 'tokenFile', config: { tokenFile } } })
    assert.equal(asked?.authorization, 'Bearer from-a-file')
  })

  it('is what an exec plug-in prints, which runs once for many requests at a time', async (t) => {
    const runs = path.join(folder, 'runs')
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'fresh' },
    }
    const exec = { command: 'sh', args: ['-c', `echo run >> ${runs}; echo '${JSON.stringify(credential)}'`] }
    const peer = await hello(t)
    const connection = new Connection(
      'leaf',
      await createTransport(configFor(peer.url, trusted(), { exec }), unhurried),
    )
    t.after(() => connection.close())
    await Promise.all(Array.from({ length: 8 }, () => connection.request({ method: 'GET', path: '/' })))
    assert.deepEqual(new Set(peer.asked.map(({ authorization }) => authorization)), new Set(['Bearer fresh']))
    assert.equal(readFileSync(runs, 'utf8'), 'run\n')
  })

  it('that expires is had anew, once for all who wait', async (t) => {
    const runs = path.join(folder, 'expiring')
    const status = { token: 'short', expirationTimestamp: '2020-01-01T00:00:00Z' }
    const exec = {
      command: 'sh',
      args: ['-c', `echo run >> ${runs}; sleep 0.05; echo '${JSON.stringify({ status })}'`],
    }
    const peer = await hello(t)
    const connection = new Connection(
      'leaf',
      await createTransport(configFor(peer.url, trusted(), { exec }), unhurried),
    )
    t.after(() => connection.close())
    await Promise.all(Array.from({ length: 8 }, () => connection.request({ method: 'GET', path: '/' })))
    assert.equal(readFileSync(runs, 'utf8'), 'run\n'.repeat(2))
  })

  it('that cannot be had later is an error of the request, with the plug-in’s words, and no failure of the server', async (t) => {
    const used = path.join(folder, 'used')
    const status = { token: 'first', expirationTimestamp: '2020-01-01T00:00:00Z' }
    const script = `if [ -e ${used} ]; then echo 'please log in again' >&2; exit 1; fi; touch ${used}; echo '${JSON.stringify({ status })}'`
    const peer = await hello(t)
    const transport = await createTransport(
      configFor(peer.url, trusted(), { exec: { command: 'sh', args: ['-c', script] } }),
      unhurried,
    )
    const connection = new Connection('leaf', transport, { breaker: { threshold: 1 } })
    t.after(() => connection.close())
    const said = {
      name: 'ClusterUnreachable',
      message: /^leaf: no answer from \S+: no credentials to log in with: please/,
    }
    await assert.rejects(connection.request({ method: 'GET', path: '/' }), said)
    await assert.rejects(connection.open({ method: 'GET', path: '/' }), said)
    await assert.rejects(connection.upgradeOptions('/exec'), said)
    assert.equal(connection.breaker.retryInMs(), 0)
    assert.deepEqual(peer.asked, [])
  })

  it('that cannot be used is refused before anything is connected', async () => {
    const { client, server } = certificates
    const refused = async (message: RegExp, ...[cluster, user]: [object?, object?]) => {
      const config = configFor('https://127.0.0.1:1', cluster, user)
      await assert.rejects(createTransport(config), (error) => {
        assert.ok(error instanceof KubeConfigError, String(error))
        assert.match(error.message, message)
        return true
      })
    }
    await refused(/certificate-authority of the kubeconfig is not a PEM certificate/, { caData: base64('not PEM') })
    await refused(/not a PEM pair/, {}, { certData: base64('not PEM'), keyData: base64(client.key) })
    await refused(/not a PEM pair/, {}, { certData: base64(client.certificate), keyData: base64(server.key) })
    await refused(/only one of client-certificate and client-key/, {}, { certData: base64(client.certificate) })
    await refused(/ENOENT/, { caFile: path.join(folder, 'absent') })
    await refused(/ENOENT/, {}, { exec: { command: path.join(folder, 'absent') } })
  })

  it('is there for connections that are upgraded, too', async (t) => {
    const { client } = certificates
    const peer = await hello(t)
    const user = { token: 't0ken', certData: base64(client.certificate), keyData: base64(client.key) }
    const transport = await createTransport(configFor(`${peer.url}/prefix`, trusted(), user))
    const connection = new Connection('leaf', transport)
    t.after(() => connection.close())
    const options = await connection.upgradeOptions('/exec?command=sh')
    await new Promise((resolve, reject) => {
      httpsRequest(options, (response) => response.resume().on('end', resolve))
        .on('error', reject)
        .end()
    })
    assert.deepEqual(peer.asked, [
      { line: 'GET /prefix/exec?command=sh', authorization: 'Bearer t0ken', login: 'alice' },
    ])
    if (typeof options.agent === 'object') options.agent.destroy()
  })
})

describe('a server behind a proxy', { timeout: 120_000 }, () => {
  const everything = () => ({
    certData: base64(certificates.client.certificate),
    keyData: base64(certificates.client.key),
    token: 't0ken',
  })
  const arrives = (peer: Peer) =>
    assert.deepEqual(peer.asked, [{ line: 'GET /version', authorization: 'Bearer t0ken', login: 'alice' }])

  it('is reached through a tunnel of an HTTP proxy, with TLS from end to end', async (t) => {
    const [peer, proxy] = [await hello(t), await startConnectProxy(t)]
    await ask(t, peer.url, { ...trusted(), proxyUrl: proxy.url }, everything())
    arrives(peer)
    assert.deepEqual(proxy.tunnels, [`127.0.0.1:${peer.port}`])
  })

  it('is reached through a SOCKS5 proxy, with TLS from end to end', async (t) => {
    const [peer, proxy] = [await hello(t), await startSocksProxy(t)]
    await ask(t, peer.url, { ...trusted(), proxyUrl: proxy.url }, everything())
    arrives(peer)
    assert.deepEqual(proxy.tunnels, [`127.0.0.1:${peer.port}`])
  })

  it('has its name resolved by the proxy, and is known by tls-server-name all the same', async (t) => {
    for (const start of [startConnectProxy, startSocksProxy]) {
      const [peer, proxy] = [await hello(t), await start(t)]
      const server = `https://only-the-proxy-knows.example:${peer.port}`
      await ask(t, server, { ...trusted(), proxyUrl: proxy.url, tlsServerName: 'api.example' }, everything())
      arrives(peer)
      assert.deepEqual(proxy.tunnels, [`only-the-proxy-knows.example:${peer.port}`])
    }
  })

  it('has the limit of connections of any server', async (t) => {
    for (const start of [startConnectProxy, startSocksProxy]) {
      let [now, most] = [0, 0]
      const second = Promise.withResolvers<void>()
      const peer = await startPeer(t, certificates, (_request, response) => {
        most = Math.max(most, ++now)
        if (now > 1) second.resolve()
        // On a busy machine the first might be answered before there is another connection.
        void second.promise.then(() =>
          setTimeout(() => {
            now--
            response.end('hello')
          }, 20),
        )
      })
      const proxy = await start(t)
      const config = configFor(peer.url, { ...trusted(), proxyUrl: proxy.url })
      const connection = new Connection('leaf', await createTransport(config, { ...unhurried, maxConnections: 2 }))
      t.after(() => connection.close())
      await Promise.all(Array.from({ length: 6 }, () => connection.request({ method: 'GET', path: '/' })))
      assert.equal(most, 2)
    }
  })

  it('has the time of any server to begin an answer', async (t) => {
    for (const start of [startConnectProxy, startSocksProxy]) {
      const [peer, proxy] = [await startPeer(t, certificates, () => {}), await start(t)]
      const config = configFor(peer.url, { ...trusted(), proxyUrl: proxy.url })
      const connection = new Connection('leaf', await createTransport(config, { ...unhurried, answerTimeoutMs: 100 }))
      t.after(() => connection.close())
      await assert.rejects(connection.request({ method: 'GET', path: '/never' }), /Headers Timeout/)
    }
  })

  it('is unreachable when the proxy is, in words that name neither password nor token', async (t) => {
    const peer = await hello(t)
    for (const scheme of ['http', 'socks5']) {
      const proxyUrl = `${scheme}://user:hunter2@127.0.0.1:1`
      await assert.rejects(ask(t, peer.url, { ...trusted(), proxyUrl }, everything()), (error: Error) => {
        assert.equal(error.name, 'ClusterUnreachable')
        assert.match(error.message, /ECONNREFUSED/)
        assert.doesNotMatch(error.message, /hunter2|t0ken/)
        return true
      })
    }
    assert.deepEqual(peer.asked, [])
  })
})
