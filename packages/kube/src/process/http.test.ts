import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import tls from 'node:tls'
import { Registry } from 'prom-client'
import { selfSignedCertificate } from '../certificates/index.ts'
import type { Client } from '../client/client.ts'
import { askPort, listeningPorts } from '../testing/index.ts'
import { serveHttp } from './http.ts'

/** Nobody is asked by these tests. */
const client = { name: 'root' } as Client
const make = async (name: string) => {
  const { certificate, key } = await selfSignedCertificate({
    subject: [{ CN: [name] }],
    hosts: [name],
    lifetimeMs: 60_000,
  })
  return { cert: certificate, key }
}

const until = async (what: string, done: () => boolean | Promise<boolean>) => {
  for (const deadline = Date.now() + 20_000; !(await done()); await new Promise((resolve) => setTimeout(resolve, 20))) {
    assert.ok(Date.now() < deadline, `within 20 s: ${what}`)
  }
}

/** The name on the certificate that a port shows. */
const shownAt = (url: string) =>
  new Promise<string>((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const socket = tls.connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })

describe('the port of probes and metrics, without an API server', () => {
  let folder: string
  let http: Awaited<ReturnType<typeof serveHttp>> | undefined
  let ready = false
  const logged: string[] = []
  const log = (_level: string, event: string) => logged.push(event)
  const serve = async (tls?: { certFile: string; keyFile: string }) => {
    await http?.close()
    const at = { address: '127.0.0.1', port: 0, tls }
    http = await serveHttp({ ...at, client, log, registry: new Registry(), isReady: () => ready })
    return http.url
  }
  /** As a kubelet changes a mounted Secret. */
  const mount = async (version: string, { cert, key }: { cert: string; key: string }) => {
    await writeFile(path.join(folder, `${version}.crt`), cert)
    await writeFile(path.join(folder, `${version}.key`), key)
    for (const suffix of ['crt', 'key']) {
      await symlink(`${version}.${suffix}`, path.join(folder, 'next'))
      await rename(path.join(folder, 'next'), path.join(folder, `tls.${suffix}`))
    }
  }
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kosmos-http-'))
  })
  after(async () => {
    await http?.close()
    await rm(folder, { recursive: true })
  })

  it('says whether the process works', async () => {
    const url = await serve()
    assert.deepEqual(await askPort(`${url}/readyz`), { code: 503, text: 'not ready' })
    ready = true
    assert.deepEqual(await askPort(`${url}/readyz`), { code: 200, text: 'ok' })
  })

  it('shows the certificate in the files, and the next one when it is there', async () => {
    const files = { certFile: path.join(folder, 'tls.crt'), keyFile: path.join(folder, 'tls.key') }
    await mount('1', await make('first'))
    const url = await serve(files)
    assert.equal(await shownAt(url), 'first')
    const [one, other] = [await make('second'), await make('third')]
    await mount('2', { cert: one.cert, key: other.key })
    await until('a pair that does not belong together is told', () => logged.includes('http.certificate.failed'))
    assert.equal(await shownAt(url), 'first')
    await mount('3', one)
    await until('the next certificate is shown', async () => (await shownAt(url)) === 'second')
  })

  it('shows metrics to this machine without TLS where that is asked for, and no other path', async () => {
    const at = { address: '127.0.0.1', port: 0 }
    const both = await serveHttp({
      ...at,
      tls: undefined,
      plain: at,
      client,
      log,
      registry: new Registry(),
      isReady: () => true,
    })
    try {
      assert.equal((await fetch(`${both.plainUrl}/metrics`)).status, 200)
      assert.equal((await fetch(`${both.plainUrl}/readyz`)).status, 404)
      assert.equal((await askPort(`${both.url}/metrics`)).code, 401)
    } finally {
      await both.close()
    }
  })

  it('does not start with files that hold no certificate and its key', async () => {
    const files = { certFile: path.join(folder, '2.crt'), keyFile: path.join(folder, '2.key') }
    await assert.rejects(serve(files), /2\.crt and .*2\.key are no certificate with its key/)
  })

  it('leaves no port open when it cannot start: a process that is alive but does nothing is never started again', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const before = listeningPorts(process.pid)
    const plain = { address: '127.0.0.1', port: (taken.address() as AddressInfo).port }
    const at = { address: '127.0.0.1', port: 0, tls: undefined, plain }
    await assert.rejects(serveHttp({ ...at, client, log, registry: new Registry(), isReady: () => true }), /EADDRINUSE/)
    assert.deepEqual(listeningPorts(process.pid), before)
    taken.close()
  })
})
