import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { Client, Connection, configMaps, createTransport, loadKubeConfig } from '@kosmos/kube'
import { ensureBinaries } from '../binaries/ensure.ts'
import type { ControlPlane } from '../control-plane/control-plane.ts'
import { startControlPlane } from '../control-plane/start.ts'
import { type FaultProxy, startFaultProxy } from './proxy.ts'

const run = promisify(execFile)
const watchPath = '/api/v1/namespaces/default/configmaps?watch=1'

interface Watch {
  /** Names of the objects seen, in order; of an ERROR event its reason. */
  readonly events: string[]
  /** HTTP status at the end, or the name of the error that ended it. */
  readonly ended: Promise<number | string>
}

interface WatchEvent {
  readonly type: string
  readonly object: { readonly reason?: string; readonly metadata: { readonly name: string } }
}

describe('a watch through the fault proxy', () => {
  let cluster: ControlPlane
  let proxy: FaultProxy
  let direct: Connection
  let through: Connection
  let serial = 0

  const connection = async (kubeconfig: string) =>
    new Connection('test', await createTransport(loadKubeConfig({ file: kubeconfig })), {
      breaker: { threshold: 1000 },
    })

  /** Creates an object straight in the cluster and returns its name. */
  const create = async (): Promise<string> => {
    const name = `object-${++serial}`
    const outcome = await new Client(direct, 'test').create(configMaps, { metadata: { namespace: 'default', name } })
    assert.ok(outcome.ok)
    return name
  }

  const watch = async (silenceMs = 60_000): Promise<Watch> => {
    const events: string[] = []
    let text = ''
    const { promise: open, resolve: opened } = Promise.withResolvers<void>()
    const ended = through
      .stream(
        { method: 'GET', path: watchPath },
        {
          onOpen: opened,
          onData: (chunk) => {
            text += chunk.toString('utf8')
            const lines = text.split('\n')
            text = lines.pop() ?? ''
            for (const line of lines) {
              const { type, object } = JSON.parse(line) as WatchEvent
              events.push(type === 'ERROR' ? (object.reason ?? '') : object.metadata.name)
            }
          },
        },
        silenceMs,
      )
      .then(
        ({ code }) => code,
        (error: Error) => error.name,
      )
    await Promise.race([open, ended])
    return { events, ended }
  }

  const eventually = async (what: string, holds: () => boolean): Promise<void> => {
    for (let i = 0; i < 500; i++) {
      if (holds()) return
      await sleep(20)
    }
    assert.fail(`never: ${what}`)
  }
  const sees = (w: Watch, name: string) => eventually(`the watch sees ${name}`, () => w.events.includes(name))

  before(async () => {
    cluster = await startControlPlane()
    direct = await connection(cluster.kubeconfig)
  })
  beforeEach(async () => {
    proxy = await startFaultProxy({ target: cluster })
    through = await connection(proxy.kubeconfig)
  })
  afterEach(async () => {
    await through.close()
    await proxy.close()
  })
  after(async () => {
    await direct?.close()
    await cluster?.stop()
  })

  it('gets events as they happen when nothing is wrong', async () => {
    const w = await watch()
    await sees(w, await create())
  })

  it('ends with a reset when the line is cut, and cannot come back before it is restored', async () => {
    const w = await watch()
    proxy.cut()
    assert.equal(await w.ended, 'ClusterUnreachable')
    await assert.rejects(through.request({ method: 'GET', path: '/version' }), { name: 'ClusterUnreachable' })
    await proxy.restore()
    assert.equal((await through.request({ method: 'GET', path: '/version' })).code, 200)
  })

  it('gets nothing while the line is frozen, and everything in order afterwards', async () => {
    const w = await watch()
    await sees(w, await create())
    const before = w.events.length
    proxy.freeze()
    const missed = [await create(), await create()]
    await sleep(300)
    assert.equal(w.events.length, before)
    await proxy.restore()
    await sees(w, missed[1] ?? '')
    assert.deepEqual(w.events.slice(before), missed)
  })

  it('is taken for dead by a client that waits for bytes on a frozen line', async () => {
    const w = await watch(500)
    proxy.freeze()
    assert.equal(await w.ended, 'ClusterUnreachable')
  })

  it('gets events late when the line is slow', async () => {
    const w = await watch()
    proxy.delay(400)
    const created = Date.now()
    await sees(w, await create())
    assert.ok(Date.now() - created >= 400)
  })

  it('gets nothing more on a half-closed connection', async () => {
    const w = await watch()
    proxy.halfClose()
    await w.ended
    const name = await create()
    assert.ok(!w.events.includes(name))
  })

  it('can be refused with any status as often as wanted', async () => {
    proxy.answer(503, { match: (_, path) => path.includes('watch'), times: 2 })
    assert.equal(await (await watch()).ended, 503)
    assert.equal((await through.request({ method: 'GET', path: '/version' })).code, 200)
    assert.equal(await (await watch()).ended, 503)
    await sees(await watch(), await create())
  })

  it('can be carried out although the answer says that it took too long', async () => {
    const name = `late-${process.pid}`
    proxy.answer(504, { match: (method) => method === 'POST', times: 1, isCarriedOut: true })
    const path = '/api/v1/namespaces/default/configmaps'
    const body = { metadata: { name } }
    assert.equal((await through.request({ method: 'POST', path, body })).code, 504)
    assert.equal((await through.request({ method: 'GET', path: `${path}/${name}` })).code, 200)
  })

  it('is told to come back later by 429, which the client does', async () => {
    proxy.answer(429, { times: 1 })
    assert.equal((await through.request({ method: 'GET', path: '/version' })).code, 200)
    assert.equal(proxy.requests().filter((r) => r.path === '/version').length, 2)
  })

  it('gets 410 as an event in the stream, as from an API server', async () => {
    proxy.answer(410, { times: 1 })
    const w = await watch()
    assert.equal(await w.ended, 200)
    assert.deepEqual(w.events, ['Expired'])
  })

  it('can be expired while it runs', async () => {
    const w = await watch()
    await sees(w, await create())
    proxy.expireWatches()
    assert.equal(await w.ended, 200)
    assert.equal(w.events.at(-1), 'Expired')
  })

  it('is counted by what it is', async () => {
    await watch()
    await new Client(through, 'test').listAll(configMaps, { namespace: 'default' })
    const { WATCH, LIST, GET } = proxy.stats()
    assert.deepEqual({ WATCH, LIST, GET }, { WATCH: 1, LIST: 1, GET: 0 })
    proxy.resetStats()
    assert.equal(proxy.stats().LIST, 0)
  })

  it('survives a restart of the API server behind the proxy: a new one works', async () => {
    const w = await watch()
    await cluster.restart('kube-apiserver')
    await w.ended
    await sees(await watch(), await create())
  })

  it('is not reached without credentials', async () => {
    const { hostname, port } = new URL(proxy.server)
    const socket = connect({ host: hostname, port: Number(port), ca: cluster.ca, servername: '' })
    const answer = await new Promise<string>((resolve, reject) => {
      socket.once('error', reject)
      socket.once('data', (data) => resolve(data.toString()))
      socket.write(`GET ${watchPath} HTTP/1.1\r\nHost: x\r\n\r\n`)
    })
    socket.destroy()
    assert.match(answer, /^HTTP\/1\.1 403 /)
  })

  it('works for kubectl too', async () => {
    const { kubectl } = await ensureBinaries(['kubectl'])
    const { stdout } = await run(kubectl, [
      '--kubeconfig',
      proxy.kubeconfig,
      'get',
      'namespace',
      'default',
      '-o',
      'name',
    ])
    assert.equal(stdout.trim(), 'namespace/default')
  })
})
