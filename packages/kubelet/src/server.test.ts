import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import https from 'node:https'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { x509 } from '@kosmos/kube/certificates'
import { selfSignedNodeCertificate } from './certificates/self-signed.ts'
import type { LocatedPod } from './pods.ts'
import { createTestAuthority, type TestAuthority } from './testing/authority.ts'
import { ask, type Served, serve } from './testing/serve.ts'

describe('a caller of the kubelet API', () => {
  let ca: TestAuthority
  let served: Served
  before(async () => {
    ca = await createTestAuthority('root-clients')
    served = await serve({
      clientCA: ca.pem,
      tokens: { good: 'alice', poor: 'bob' },
      allow: ({ user, subresource }) => user.name !== 'bob' || subresource === 'metrics',
    })
  })
  after(async () => await served.server.close())

  it('learns nothing without credentials, whether a path exists or not', async () => {
    for (const target of ['/pods', '/exec/a/b/c', '/nowhere', '/', '/containerLogs/a/b/c?tailLines=x', '/healthz']) {
      const { code, text } = await ask(served.port, target)
      assert.deepEqual([target, code, text], [target, 401, 'Unauthorized'])
    }
  })

  it('is refused with a token that nobody issued, and when the root cannot be asked', async () => {
    assert.equal((await ask(served.port, '/pods', { token: 'forged' })).code, 401)
    assert.equal((await ask(served.port, '/pods', { token: 'broken' })).code, 401)
    assert.ok(
      served.events.some(({ event, error }) => event === 'authentication-failed' && error === 'the root is away'),
    )
  })

  it('is known by a certificate of the client CA: common name as user, organizations as groups', async () => {
    served.asked.length = 0
    const client = await ca.issue({ commonName: 'kube-apiserver-kubelet-client', organizations: ['one', 'two'] })
    assert.equal((await ask(served.port, '/nowhere', client)).code, 404)
    const user = served.asked[0]?.user
    assert.equal(user?.name, 'kube-apiserver-kubelet-client')
    assert.deepEqual(user?.groups, ['one', 'two', 'system:authenticated'])
    assert.match(String(user?.extra?.['authentication.kubernetes.io/credential-id']), /^X509SHA256=[0-9a-f]{64}$/)
  })

  it('is not known by a certificate of another CA of the same name, an expired one, a server one, a nameless one', async () => {
    const other = await createTestAuthority('root-clients')
    const hour = 3600_000
    const refused = [
      await other.issue({ commonName: 'mallory' }),
      await ca.issue({
        commonName: 'old',
        notBefore: new Date(Date.now() - 2 * hour),
        notAfter: new Date(Date.now() - hour),
      }),
      await ca.issue({ commonName: 'early', notBefore: new Date(Date.now() + hour / 2) }),
      await ca.issue({ commonName: 'server', usage: x509.ExtendedKeyUsage.serverAuth }),
      await ca.issue({ organizations: ['system:masters'] }),
    ]
    for (const client of refused) assert.equal((await ask(served.port, '/pods', client)).code, 401)
  })

  it('may use a token although the certificate that it shows counts for nothing', async () => {
    const other = await createTestAuthority('other')
    const client = await other.issue({ commonName: 'mallory' })
    served.asked.length = 0
    assert.equal((await ask(served.port, '/nowhere', { ...client, token: 'good' })).code, 404)
    assert.equal(served.asked[0]?.user.name, 'alice')
  })

  it('without the rights is told which ones it lacks', async () => {
    const { code, text } = await ask(served.port, '/pods', { token: 'poor' })
    assert.equal(code, 403)
    assert.equal(text, 'Forbidden (user=bob, verb=get, resource=nodes, subresource(s)=[pods proxy])\n')
  })

  it('gets a clear answer where the virtual node has nothing to serve yet', async () => {
    const { code, text } = await ask(served.port, '/logs/', { token: 'good' })
    assert.equal(code, 501)
    assert.match(
      text,
      /virtual node vn1 does not serve \/logs\/: the system logs of a leaf's nodes belong to that cluster/,
    )
  })

  it('that watches its health finds in /metrics/slis what it has asked', async () => {
    for (let i = 0; i < 2; i++) await ask(served.port, '/healthz', { token: 'good' })
    const { code, text } = await ask(served.port, '/metrics/slis', { token: 'good' })
    assert.equal(code, 200)
    assert.match(text, /^kubernetes_healthcheck\{name="ping",type="healthz"\} 1$/m)
    assert.match(text, /^kubernetes_healthchecks_total\{name="ping",status="success",type="healthz"\} [1-9]\d*$/m)
  })

  it('is told which method a path takes', async () => {
    const { code, headers } = await ask(served.port, '/containerLogs/a/b/c', { token: 'good', method: 'POST' })
    assert.deepEqual([code, headers.allow], [405, 'GET'])
  })

  it('is asked to upgrade where only streams are served', async () => {
    const { code } = await ask(served.port, '/exec/a/b/c?output=1&command=ls', { token: 'good', method: 'POST' })
    assert.equal(code, 404)
    const none = await ask(served.port, '/exec/a/b/c?command=ls', { token: 'good', method: 'POST' })
    assert.deepEqual([none.code, none.text], [400, 'you must specify at least 1 of stdin, stdout, stderr'])
  })

  it('is counted by path, method and code, with no label of its own making', async () => {
    await ask(served.port, '/whatever/i/like', { token: 'good', method: 'TRACE' })
    const text = await served.registry.metrics()
    assert.match(text, /kosmos_kubelet_requests_total\{route="other",method="other",code="404"\} 1/)
    assert.match(text, /kosmos_kubelet_requests_total\{route="\/pods",method="GET",code="403"\} 1/)
  })
})

describe('a client whose machine is gone without a word', () => {
  it('is found out by the kernel although nothing is sent to it', async () => {
    const served = await serve()
    const client = tls.connect({ host: '127.0.0.1', port: served.port, rejectUnauthorized: false })
    await once(client, 'secureConnect')
    // Columns of proc_pid_net(5): local and remote address, state 01 (established), queues, timer 02 (keep-alive).
    const port = served.port.toString(16).toUpperCase().padStart(4, '0')
    const kept = new RegExp(`: [0-9A-F]{8}:${port} \\S+ 01 \\S+ 02:`)
    while (!kept.test(await readFile('/proc/net/tcp', 'utf8'))) await sleep(50)
    client.destroy()
    await served.server.close()
  })
})

describe('a node whose authorities change while it serves', () => {
  it('takes a renewed certificate for new connections and keeps those that are open', async () => {
    const served = await serve()
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
    const first = await ask(served.port, '/nowhere', { token: 'good', agent })
    assert.equal(first.code, 404)
    const open = Object.values(agent.freeSockets)[0]?.[0]
    assert.ok(open)
    const renewed = await selfSignedNodeCertificate({ nodeName: 'vn1', hosts: ['127.0.0.1'] })
    served.renew(renewed)
    assert.equal((await ask(served.port, '/nowhere', { token: 'good', agent })).code, 404)
    assert.equal(Object.values(agent.freeSockets)[0]?.[0], open)
    const strict = await ask(served.port, '/nowhere', {
      token: 'good',
      ca: renewed.certificate,
      rejectUnauthorized: true,
    })
    assert.equal(strict.code, 404)
    agent.destroy()
    await served.server.close()
  })

  it('knows nobody by a certificate of a CA that was removed, even on a connection that was made before', async () => {
    const [old, next] = [await createTestAuthority('old'), await createTestAuthority('next')]
    const served = await serve({ clientCA: old.pem, locate: () => ({ kind: 'absent', message: 'gone' }) })
    const client = await old.issue({ commonName: 'alice' })
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
    assert.equal((await ask(served.port, '/nowhere', { ...client, agent })).code, 404)
    served.api.updateClientCA(`${old.pem}\n${next.pem}`)
    assert.equal((await ask(served.port, '/nowhere', client)).code, 404)
    assert.equal((await ask(served.port, '/nowhere', await next.issue({ commonName: 'carol' }))).code, 404)
    served.api.updateClientCA(next.pem)
    assert.equal((await ask(served.port, '/nowhere', client)).code, 401)
    served.api.updateClientCA('not a certificate')
    assert.equal((await ask(served.port, '/nowhere', await next.issue({ commonName: 'carol' }))).code, 404)
    served.api.updateClientCA(undefined)
    assert.equal((await ask(served.port, '/nowhere', await next.issue({ commonName: 'carol' }))).code, 401)
    agent.destroy()
    await served.server.close()
  })

  it('knows nobody by a certificate of a CA that was removed while its connection was in use', async () => {
    const [old, next] = [await createTestAuthority('old'), await createTestAuthority('next')]
    const asked = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<LocatedPod>()
    const served = await serve({
      clientCA: old.pem,
      locate: () => {
        asked.resolve()
        return answer.promise
      },
    })
    const client = await old.issue({ commonName: 'alice' })
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 })
    const first = ask(served.port, '/containerLogs/a/b/c', { ...client, agent })
    await asked.promise
    served.api.updateClientCA(next.pem)
    answer.resolve({ kind: 'absent', message: 'none' })
    assert.equal((await first).code, 404)
    const kept = Object.values(agent.freeSockets)[0]?.[0]
    assert.ok(kept)
    assert.equal((await ask(served.port, '/nowhere', { ...client, agent })).code, 401)
    assert.equal(Object.values(agent.freeSockets)[0]?.[0], kept)
    agent.destroy()
    await served.server.close()
  })

  it('never takes up a TLS session of before, whose client nobody would look at again', async () => {
    const ca = await createTestAuthority('clients')
    const served = await serve({ clientCA: ca.pem })
    const client = await ca.issue({ commonName: 'alice' })
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { host: '127.0.0.1', port: served.port, rejectUnauthorized: false, maxVersion, ...client }
      const first = tls.connect(options)
      let session: Buffer | undefined
      first.on('session', (offered) => {
        session = offered
      })
      first.write('GET /nowhere HTTP/1.1\r\nHost: vn1\r\n\r\n')
      await once(first, 'data')
      session ??= first.getSession()
      first.destroy()
      const second = tls.connect({ ...options, ...(session && { session }) })
      await once(second, 'secureConnect')
      assert.equal(second.isSessionReused(), false, maxVersion)
      second.destroy()
    }
    await served.server.close()
  })
})

describe('a request that fails inside', () => {
  it('is answered with 500 and nothing else, and logged with its cause', async () => {
    const served = await serve({
      locate: () => {
        throw new Error('cache broken')
      },
    })
    const { code, text } = await ask(served.port, '/containerLogs/a/b/c', { token: 'good' })
    assert.deepEqual([code, text], [500, 'Internal Server Error'])
    assert.ok(served.events.some(({ event, error }) => event === 'request-failed' && error?.includes('cache broken')))
    await served.server.close()
  })

  it('is answered with 500 when the root gives no verdict on the rights', async () => {
    const served = await serve({
      allow: () => {
        throw new Error('the root is away')
      },
    })
    const { code, text } = await ask(served.port, '/stats/summary', { token: 'good' })
    assert.equal(code, 500)
    assert.equal(text, 'Authorization error (user=alice, verb=get, resource=nodes, subresource=stats)')
    await served.server.close()
  })
})
