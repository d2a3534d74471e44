import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { base64, createCertificates, startPeer } from '../connection/peer.fixture.ts'
import { Controller } from '../controller/controller.ts'
import { configMaps } from '../objects/resources.ts'
import { askPort, kubeconfig } from '../testing/index.ts'
import { type ControllersOptions, runControllers } from './controllers.ts'
import type { LogFields } from './log.ts'
import { createProcessMetrics } from './metrics.ts'

describe('a process of the root', { timeout: 120_000 }, () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kosmos-controllers-'))
    // Nobody is asked by these tests.
    await writeFile(path.join(folder, 'kubeconfig'), kubeconfig({ server: 'https://127.0.0.1:1' }))
  })
  after(() => rm(folder, { recursive: true }))

  const run = (
    options: Pick<ControllersOptions, 'metrics' | 'work' | 'beside' | 'graceMs'>,
    signal: AbortSignal,
    file = 'kubeconfig',
  ) => {
    const listening = Promise.withResolvers<string>()
    const log = (_level: string, event: string, fields?: LogFields) => {
      if (event === 'http.listening') listening.resolve(String(fields?.url))
    }
    const https = { address: '127.0.0.1', port: 0, tls: undefined }
    const common = { leaderElection: false, identity: 'a', logLevel: 'info' } as const
    const process = { component: 'test', fieldManager: 'kosmos-test', ...options }
    const ended = runControllers(process, { kubeconfig: path.join(folder, file), https, ...common }, log, signal)
    return { ended, url: listening.promise }
  }
  const until = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })

  it('is ready while it works, and not from when it is told to end, while it lives on to finish', async () => {
    const stop = new AbortController()
    const finish = Promise.withResolvers<void>()
    const { ended, url } = run(
      {
        work: async ({ ready }, leading) => {
          ready()
          await until(leading)
        },
        beside: async ({ ready }) => {
          ready()
          await finish.promise
        },
      },
      stop.signal,
    )
    const ask = async (probe: string) => (await askPort(`${await url}/${probe}`)).code
    assert.deepEqual([await ask('livez'), await ask('readyz')], [200, 200])
    stop.abort()
    assert.deepEqual([await ask('livez'), await ask('readyz')], [200, 503])
    finish.resolve()
    await ended
    await assert.rejects(ask('livez'))
  })

  it('counts in the metrics that it is given, if it has some of its own', async () => {
    const metrics = createProcessMetrics()
    const work: ControllersOptions['work'] = async ({ metrics: counted, onReconcile }) => {
      assert.equal(counted, metrics)
      onReconcile({ controller: 'some', key: 'k', seconds: 1 })
    }
    await run({ metrics, work }, new AbortController().signal).ended
    assert.match(await metrics.registry.metrics(), /duration_seconds_count\{.*cluster="root",controller="some"/)
  })

  it('ends when its work fails, after what it does beside has', async () => {
    let isOver = false
    const { ended } = run(
      {
        work: () => Promise.reject(new Error('broken')),
        beside: async ({ client }, signal) => {
          await until(signal)
          assert.equal(client.connection.closed, false)
          isOver = true
        },
      },
      new AbortController().signal,
    )
    await assert.rejects(ended, /broken/)
    assert(isOver)
  })

  it('ends although a reconcile or what is beside waits for an answer, and the next process does what was left', async (t) => {
    const certificates = await createCertificates()
    let isWell = false
    const peer = await startPeer(t, certificates, (_request, response) => {
      if (isWell) response.writeHead(200, { 'content-type': 'application/json' }).end('{"metadata":{}}')
    })
    const cluster = { 'certificate-authority-data': base64(certificates.authority.certificate) }
    await writeFile(path.join(folder, 'silent'), kubeconfig({ server: peer.url, cluster }))
    const done: string[] = []
    const errors: (string | undefined)[] = []
    const start = (stop: AbortController) => {
      const work: ControllersOptions['work'] = async ({ client }, leading) => {
        const controller = new Controller({
          name: 'test',
          reconcile: async (key) => {
            await client.apply(configMaps, { metadata: { namespace: 'shop', name: key } })
            done.push(key)
            stop.abort()
            return undefined
          },
          onReconcile: ({ error }) => errors.push(error?.name),
        })
        controller.enqueue('a')
        await controller.run(leading)
      }
      const beside: ControllersOptions['beside'] = async ({ client }) => {
        await client.get(configMaps, { namespace: 'shop', name: 'b' })
      }
      return run({ work, beside, graceMs: 1 }, stop.signal, 'silent').ended
    }
    const first = new AbortController()
    const ended = start(first)
    while (peer.asked.length < 2) await sleep(1)
    first.abort()
    await ended
    assert.deepEqual([done, errors], [[], ['RequestAborted']])
    isWell = true
    await start(new AbortController())
    assert.deepEqual(done, ['a'])
  })

  it('has a client for what outlives its work', async () => {
    const stop = new AbortController()
    const work: ControllersOptions['work'] = async ({ client, lasting }) => {
      const signal = AbortSignal.timeout(120_000)
      stop.abort()
      const outcomeOf = (asked: Promise<unknown>) => asked.catch((error: Error) => error.name)
      while ((await outcomeOf(client.raw('/version', { signal }))) !== 'RequestAborted') await sleep(1)
      assert.equal(await outcomeOf(lasting.raw('/version', { signal })), 'ClusterUnreachable')
    }
    await run({ work, graceMs: 1 }, stop.signal).ended
  })
})
