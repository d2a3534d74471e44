import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RequestObservation } from '../connection/connection.ts'
import { liveCluster } from '../live.fixture.ts'
import { configMaps } from '../objects/resources.ts'
import { Informer } from './informer.ts'

describe('an API server whose etcd is restored from a snapshot', { timeout: 300_000 }, () => {
  const cluster = liveCluster()

  it('is followed from its new state, although the version that was followed is ahead of it', async (t) => {
    const { controlPlane } = cluster
    const data = path.join(controlPlane.dir, 'etcd')
    const snapshot = path.join(controlPlane.dir, 'snapshot')
    const stop = async () => {
      await controlPlane.kill('kube-apiserver')
      await controlPlane.kill('etcd')
    }
    const start = async () => {
      await controlPlane.restart('etcd')
      await controlPlane.restart('kube-apiserver')
    }
    const client = await cluster.client()
    const make = (name: string) => client.create(configMaps, { metadata: { namespace: 'default', name } })
    await make('before')
    // What lies there while it stands still is what a kill would leave.
    await controlPlane.pause('etcd')
    cpSync(data, snapshot, { recursive: true })
    controlPlane.resume('etcd')

    const answers: number[] = []
    const onRequest = ({ method, path, code }: RequestObservation) => {
      if (method === 'GET' && path.includes('limit=1')) answers.push(code)
    }
    const informer = new Informer({
      client: await cluster.client(undefined, { onRequest }),
      resource: configMaps,
      namespace: 'default',
      backoff: { minMs: 20, maxMs: 400 },
    })
    const ending = new AbortController()
    const running = informer.run(ending.signal)
    t.after(async () => {
      ending.abort()
      await running
    })
    await informer.synced
    for (let i = 0; i < 50; i++) await make(`lost-${i}`)
    while (!informer.get('default/lost-49')) await sleep(20)

    await stop()
    rmSync(data, { recursive: true })
    cpSync(snapshot, data, { recursive: true })
    await start()
    await make('after')
    while (!informer.get('default/after')) await sleep(20)
    const names = [...informer.store.values()].map(({ metadata }) => metadata.name).sort()
    assert.deepEqual(names, ['after', 'before'])
    // What an API server says, after three seconds, and to be asked again: that it has not reached a version.
    assert.ok(!answers.includes(504))
  })
})
