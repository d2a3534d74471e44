import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Client } from '../client/client.ts'
import { liveCluster } from '../live.fixture.ts'
import { resource } from '../objects/resources.ts'
import type { KubeObject } from '../objects/types.ts'
import type { EventContent, EventRef } from './event.ts'
import { EventRecorder, type EventRecorderOptions } from './recorder.ts'

/** Events as `kubectl describe` reads them. */
interface CoreEvent extends KubeObject {
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly reportingComponent: string
  readonly series?: { readonly count: number }
}
const coreEvents = resource<CoreEvent>('v1', 'Event', 'events', 'Namespaced')

/** A busy API server takes longer for some hundred Events than a process that ends would wait. */
const FLUSH_MS = 120_000

const warning = (note: string): EventContent => ({ type: 'Warning', reason: 'SyncFailed', action: 'Sync', note })

/** The field selector of `kubectl describe` (k8s.io/kubectl/pkg/describe). */
function described(client: Client, { kind, namespace, name, uid }: EventRef): Promise<CoreEvent[]> {
  const terms = [`involvedObject.name=${name}`, `involvedObject.kind=${kind}`, `involvedObject.uid=${uid}`]
  if (namespace) terms.push(`involvedObject.namespace=${namespace}`)
  return client.listAll(coreEvents, { namespace: namespace ?? 'default', fieldSelector: terms.join(',') })
}

describe('events that are recorded', () => {
  const cluster = liveCluster()
  let time = Date.now()

  async function recorder(options: Partial<EventRecorderOptions> = {}) {
    const client = await cluster.client()
    return {
      client,
      recorder: new EventRecorder({ client, controller: 'kosmos.io/test', now: () => time, ...options }),
    }
  }

  it('are found by kubectl describe at the object, and only at that incarnation of it', async () => {
    const { client, recorder: events } = await recorder()
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: await cluster.namespace('described'),
      name: 'web',
      uid: 'one',
    }
    const node = { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'n' }
    events.record(pod, warning('the name is taken'))
    events.record(node, { type: 'Normal', reason: 'Joined', action: 'Join', note: 'x'.repeat(5000), related: pod })
    await events.flush(FLUSH_MS)
    const [event, ...others] = await described(client, pod)
    assert.deepEqual(others, [])
    assert.deepEqual([event?.type, event?.reason, event?.message], ['Warning', 'SyncFailed', 'the name is taken'])
    assert.equal(event?.reportingComponent, 'kosmos.io/test')
    assert.deepEqual(await described(client, { ...pod, uid: 'two' }), [])
    assert.equal((await described(client, node))[0]?.message.length, 1022)
    assert.deepEqual([events.counters.written, events.counters.failed, events.counters.refused], [2, 0, 0])
  })

  it('become a series whose count rises, at the cost of few writes', async () => {
    const { client, recorder: events } = await recorder()
    const pod = { kind: 'Pod', namespace: await cluster.namespace('series'), name: 'web', uid: 'one' }
    const count = async () => {
      await events.flush(FLUSH_MS)
      const all = await described(client, pod)
      assert.equal(all.length, 1)
      return all[0]?.series?.count
    }
    events.record(pod, warning('again'))
    assert.equal(await count(), undefined)
    events.record(pod, warning('again'))
    assert.equal(await count(), 2)
    for (let i = 0; i < 500; i++) events.record(pod, warning('again'))
    assert.equal(await count(), 502)
    assert.ok(events.counters.written <= 4, `${events.counters.written} writes`)
    assert.equal(events.counters.repeated, 501)
  })

  it('begin a new event after six minutes of quiet, and when the old one is gone', async () => {
    const { client, recorder: events } = await recorder()
    const pod = { kind: 'Pod', namespace: await cluster.namespace('quiet'), name: 'web', uid: 'one' }
    events.record(pod, warning('again'))
    await events.flush(FLUSH_MS)
    time += 360_000
    events.record(pod, warning('again'))
    await events.flush(FLUSH_MS)
    assert.equal((await described(client, pod)).length, 2)
    for (const { metadata } of await described(client, pod)) {
      await client.delete(coreEvents, { namespace: pod.namespace, name: metadata?.name ?? '' })
    }
    events.record(pod, warning('again'))
    await events.flush(FLUSH_MS)
    assert.deepEqual(
      (await described(client, pod)).map((event) => event.series?.count),
      [2],
    )
  })

  it('cost no more than their budget in a flood, and the rest is counted', async () => {
    const { client, recorder: events } = await recorder()
    const namespace = await cluster.namespace('flood')
    for (let i = 0; i < 1000; i++) {
      const pod = { kind: 'Pod', namespace, name: `p${i}`, uid: `u${i}` }
      events.record(pod, { type: 'Normal', reason: 'Synced', action: 'Sync', note: 'created in the leaf' })
    }
    const noisy = { kind: 'Pod', namespace, name: 'noisy', uid: 'noisy' }
    for (let i = 0; i < 100; i++) events.record(noisy, warning(`attempt ${i}`))
    await events.flush(FLUSH_MS)
    assert.deepEqual(events.counters, {
      recorded: 1100,
      repeated: 0,
      written: 125,
      overBudget: 975,
      queueFull: 0,
      failed: 0,
      refused: 0,
    })
    assert.equal((await client.listAll(coreEvents, { namespace })).length, 125)
    assert.equal((await described(client, noisy)).length, 25)
    time += 1000
    events.record({ ...noisy, name: 'late' }, { type: 'Normal', reason: 'Synced', action: 'Sync', note: 'late' })
    await events.flush(FLUSH_MS)
    assert.equal(events.counters.written, 126)
  })

  it('are dropped and counted when too many wait', async () => {
    const { recorder: events } = await recorder({ maxQueued: 10 })
    const namespace = await cluster.namespace('queue')
    for (let i = 0; i < 100; i++) events.record({ kind: 'Pod', namespace, name: `p${i}` }, warning('no'))
    await events.flush(FLUSH_MS)
    assert.ok(events.counters.queueFull >= 80 && events.counters.written >= 10)
    assert.equal(events.counters.queueFull + events.counters.written, 100)
  })

  it('never throw into the caller: what the API server refuses or nobody can send is counted', async () => {
    const { client, recorder: events } = await recorder()
    events.record({ kind: 'Pod', namespace: 'missing', name: 'a' }, warning('no such namespace'))
    events.record({ kind: 'Pod', namespace: 'default', name: 'a' }, { ...warning('bad'), reason: '' })
    events.record(undefined as never, warning('bad'))
    await events.flush(FLUSH_MS)
    assert.equal(events.counters.refused, 2)
    assert.equal(events.counters.failed, 1)
    await client.connection.close()
    events.record({ kind: 'Pod', namespace: 'default', name: 'a' }, warning('nobody there'))
    await events.flush(FLUSH_MS)
    assert.ok(events.counters.failed > 1)
  })

  it('are written when the API server is back', async () => {
    const { client, recorder: events } = await recorder()
    const pod = { kind: 'Pod', namespace: await cluster.namespace('outage'), name: 'web', uid: 'one' }
    await cluster.controlPlane.kill('kube-apiserver')
    events.record(pod, warning('in the dark'))
    await events.flush(FLUSH_MS)
    assert.ok(events.counters.failed > 0)
    await cluster.controlPlane.restart('kube-apiserver')
    while ((await described(client, pod).catch(() => [])).length === 0) await events.flush(FLUSH_MS)
    assert.equal((await described(client, pod)).length, 1)
  })
})
