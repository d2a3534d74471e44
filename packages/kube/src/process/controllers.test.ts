import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { askPort, kubeconfig } from '../testing/index.ts'
import { type ControllersOptions, runControllers } from './controllers.ts'
import type { LogFields } from './log.ts'
import { createProcessMetrics } from './metrics.ts'

describe('a process of the root', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kosmos-controllers-'))
    // Nobody is asked by these tests.
    await writeFile(path.join(folder, 'kubeconfig'), kubeconfig({ server: 'https://127.0.0.1:1' }))
  })
  after(() => rm(folder, { recursive: true }))

  const run = (options: Pick<ControllersOptions, 'metrics' | 'work' | 'beside'>, signal: AbortSignal) => {
    const listening = Promise.withResolvers<string>()
    const log = (_level: string, event: string, fields?: LogFields) => {
      if (event === 'http.listening') listening.resolve(String(fields?.url))
    }
    const https = { address: '127.0.0.1', port: 0, tls: undefined }
    const common = { leaderElection: false, identity: 'a', logLevel: 'info' } as const
    const process = { component: 'test', fieldManager: 'kosmos-test', ...options }
    const ended = runControllers(
      process,
      { kubeconfig: path.join(folder, 'kubeconfig'), https, ...common },
      log,
      signal,
    )
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
})
