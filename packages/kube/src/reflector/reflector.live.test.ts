import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request as httpsRequest } from 'node:https'
import path from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FaultProxy, startFaultProxy } from '@kosmos/testbed'
import fc from 'fast-check'
import { Client } from '../client/client.ts'
import { Connection } from '../connection/connection.ts'
import { loadKubeConfig } from '../connection/kubeconfig.ts'
import { createTransport } from '../connection/transport.ts'
import { type LiveCluster, liveCluster } from '../live.fixture.ts'
import { keyOf } from '../objects/key.ts'
import { configMaps } from '../objects/resources.ts'
import type { ConfigMap, KubeObject } from '../objects/types.ts'
import type { Change, Store } from '../store/store.ts'
import { Informer, type InformerOptions } from './informer.ts'

let cluster: LiveCluster
let proxy: FaultProxy
let writer: Client

/** An informer that reaches the API server through the proxy and notices faults within seconds. */
async function follow(
  t: Pick<TestContext, 'after'>,
  namespace: string,
  options: Partial<InformerOptions<ConfigMap, never>> & { readonly server?: string } = {},
) {
  const config = loadKubeConfig({ file: proxy.kubeconfig })
  const place = config.getCurrentCluster()
  if (options.server && place) Object.assign(place, { server: options.server })
  const transport = await createTransport(config, { connectTimeoutMs: 1_000, answerTimeoutMs: 2_000 })
  const connection = new Connection('leaf', transport, { breaker: { minOpenMs: 50, maxOpenMs: 400 } })
  const informer = new Informer<ConfigMap>({
    client: new Client(connection, 'kosmos-test'),
    resource: configMaps,
    namespace,
    silenceMs: 2_000,
    backoff: { minMs: 20, maxMs: 400 },
    ...options,
  })
  const witness = witnessOf(informer)
  const stop = new AbortController()
  const running = informer.run(stop.signal)
  t.after(async () => {
    stop.abort()
    await running
    await connection.close()
  })
  return { informer, witness }
}

/** Somebody who only hears the changes, and objects to any that is lost, doubled or out of order. */
function witnessOf(source: { subscribe: Store<ConfigMap>['subscribe'] }) {
  const state = new Map<string, ConfigMap>()
  const newest = new Map<string, bigint>()
  const faults: string[] = []
  let count = 0
  source.subscribe((change: Change<ConfigMap>) => {
    const { key, type, object } = change
    count++
    const held = state.get(key)
    const version = BigInt(object.metadata.resourceVersion)
    const last = newest.get(key) ?? 0n
    const complain = (what: string) => faults.push(`${key} ${type} at ${version} after ${last}: ${what}`)
    if (type === 'added' && held) complain('it was there already')
    if (type !== 'added' && !held) complain('it was not there')
    if (type === 'updated' && change.old !== held) complain('its old state is not the last one told')
    if (type !== 'added' && held?.metadata.uid !== object.metadata.uid) complain('it is another incarnation')
    // A deletion may repeat the last state known; everything else is news.
    if (type === 'deleted' ? version < last : version <= last) complain('its version is no news')
    newest.set(key, version)
    if (type === 'deleted') state.delete(key)
    else state.set(key, object)
  })
  return { state, faults, count: () => count }
}

/** What the API server has, asked by another connection: key → uid and version. */
async function truth(namespace: string): Promise<Map<string, string>> {
  const objects = await writer.listAll(configMaps, { namespace })
  return new Map(objects.map((object) => [keyOf(object), identity(object)]))
}

const identity = ({ metadata }: ConfigMap) => `${metadata.uid}@${metadata.resourceVersion}`
const sorted = (map: Map<string, string>) => [...map].sort()

async function converges(namespace: string, { informer, witness }: Awaited<ReturnType<typeof follow>>): Promise<void> {
  await informer.synced
  const expected = sorted(await truth(namespace))
  const held = () => sorted(new Map([...informer.store.values()].map((object) => [keyOf(object), identity(object)])))
  // Ends with the test's own time-out when it never comes about.
  while (JSON.stringify(held()) !== JSON.stringify(expected)) await sleep(20)
  assert.deepEqual(witness.faults, [])
  const told = new Map([...witness.state].map(([key, object]) => [key, identity(object)]))
  assert.deepEqual(sorted(told), expected)
}

/** Writes of another client: creates, updates, deletes and replaces, over few names so that they meet. */
function random(seed: number) {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

async function write(namespace: string, pick: (below: number) => number): Promise<void> {
  const name = `c${pick(12)}`
  const object = { metadata: { name, namespace }, data: { n: String(pick(1e6)) } }
  // While its API server restarts a write may fail, or succeed unseen: what counts is what the server has in the end.
  try {
    switch (pick(4)) {
      case 0:
        await writer.create(configMaps, object)
        break
      case 1:
        await writer.delete(configMaps, { namespace, name })
        break
      case 2:
        await writer.delete(configMaps, { namespace, name })
        await writer.create(configMaps, object)
        break
      default:
        await writer.apply(configMaps, object)
    }
  } catch (error) {
    if (!['ClusterUnreachable', 'ApiError'].includes((error as Error).name)) throw error
  }
}

/** Compacts etcd up to now: older versions are gone for good. */
async function compact(): Promise<void> {
  const { dir, loopback, ca } = cluster.controlPlane
  const pki = (file: string) => readFileSync(path.join(dir, 'pki', file))
  const agent = new Agent({ ca, cert: pki('apiserver-etcd-client.crt'), key: pki('apiserver-etcd-client.key') })
  const call = async (url: string, body: object): Promise<{ header: { revision: string } }> => {
    const request = httpsRequest(`https://${loopback}:2379${url}`, { method: 'POST', agent })
    request.end(JSON.stringify(body))
    const [response] = await once(request, 'response')
    const text = Buffer.concat(await response.toArray()).toString()
    assert.equal(response.statusCode, 200, text)
    return JSON.parse(text)
  }
  const { header } = await call('/v3/kv/range', { key: Buffer.from('none').toString('base64') })
  await call('/v3/kv/compaction', { revision: header.revision, physical: true })
  agent.destroy()
}

async function crash(component: 'kube-apiserver' | 'etcd'): Promise<void> {
  await cluster.controlPlane.kill(component)
  await cluster.controlPlane.restart(component)
}

describe('a reflector', () => {
  cluster = liveCluster()
  before(async () => {
    proxy = await startFaultProxy({ target: cluster.controlPlane })
    writer = await cluster.client()
  })
  after(() => proxy.close())

  describe('a collection that is followed', { timeout: 300_000 }, () => {
    it('needs no list and no new watch while nothing is wrong', async (t) => {
      const namespace = await cluster.namespace('steady')
      const pick = random(1)
      for (let i = 0; i < 20; i++) await write(namespace, pick)
      // A busy API server may well be silent for the two seconds of the others.
      const followed = await follow(t, namespace, { silenceMs: 60_000 })
      await followed.informer.synced
      proxy.resetStats()
      for (let i = 0; i < 200; i++) await write(namespace, pick)
      await converges(namespace, followed)
      assert.deepEqual(proxy.requests(), [])
      assert.ok(followed.witness.count() > 100)
    })

    it('needs no list when its watch is cut off: it resumes from where it was', async (t) => {
      const namespace = await cluster.namespace('cut')
      const pick = random(2)
      const followed = await follow(t, namespace)
      await followed.informer.synced
      proxy.resetStats()
      for (let round = 0; round < 5; round++) {
        proxy.cut()
        for (let i = 0; i < 10; i++) await write(namespace, pick)
        await proxy.restore()
        await converges(namespace, followed)
      }
      const { WATCH, WATCHLIST } = proxy.stats()
      assert.equal(WATCHLIST, 0)
      assert.ok(WATCH >= 5)
      // How far the API server is, is asked by a list of one object.
      const lists = proxy.requests().filter(({ verb }) => verb === 'LIST')
      assert.ok(
        lists.every(({ path }) => path.endsWith('limit=1')),
        JSON.stringify(lists),
      )
    })

    it('is listed again, without ever looking empty, when its versions are really gone', async (t) => {
      const namespace = await cluster.namespace('compacted')
      const pick = random(3)
      for (let i = 0; i < 40; i++) await write(namespace, pick)
      const followed = await follow(t, namespace)
      await converges(namespace, followed)
      const kept = followed.informer.store.size
      assert.ok(kept > 0)
      proxy.cut()
      for (let i = 0; i < 40; i++) await write(namespace, pick)
      await compact()
      await crash('kube-apiserver')
      let least = kept
      followed.informer.subscribe(() => {
        least = Math.min(least, followed.informer.store.size)
      })
      proxy.resetStats()
      await proxy.restore()
      await converges(namespace, followed)
      assert.ok(proxy.stats().WATCHLIST >= 1, 'the version was not gone: the test has not tested anything')
      assert.ok(least > 0)
    })

    it('is noticed to be silent when the line freezes, and followed on a new one', async (t) => {
      const namespace = await cluster.namespace('frozen')
      const followed = await follow(t, namespace)
      await followed.informer.synced
      const states: string[] = []
      proxy.freeze()
      await write(namespace, () => 0)
      while (followed.informer.state.kind !== 'broken') await sleep(20)
      states.push(followed.informer.state.error.name)
      await proxy.restore()
      await converges(namespace, followed)
      assert.deepEqual(states, ['ClusterUnreachable'])
      assert.equal(followed.informer.state.kind, 'following')
    })

    it('is not listed in a hot loop by a server that expires every watch', async (t) => {
      const namespace = await cluster.namespace('expiring')
      const followed = await follow(t, namespace, { backoff: { minMs: 100, maxMs: 60_000, jitter: 0 } })
      await followed.informer.synced
      proxy.resetStats()
      proxy.answer(410)
      const started = performance.now()
      proxy.expireWatches()
      while (proxy.stats().WATCHLIST < 3) await sleep(10)
      await sleep(500)
      // One list at once, then one more after each of 200, 400, 800 ms and so on.
      const pauses = Math.log2((performance.now() - started) / 200 + 1)
      assert.ok(proxy.stats().WATCHLIST <= 1 + pauses, `${proxy.stats().WATCHLIST} lists, ${pauses} pauses`)
      await proxy.restore()
      await write(namespace, () => 0)
      await converges(namespace, followed)
    })

    it('is not hurt by a sink that throws for one object: the state says so, and it is told again', async (t) => {
      const namespace = await cluster.namespace('poison')
      let broken = true
      const followed = await follow(t, namespace, {
        indexes: {
          tag: (object: ConfigMap) => {
            if (broken && object.metadata.name === 'c0') throw new Error('cannot index c0')
            return []
          },
        } as never,
      })
      await followed.informer.synced
      await writer.create(configMaps, { metadata: { name: 'c0', namespace } })
      while (followed.informer.state.kind !== 'broken') await sleep(20)
      assert.match(followed.informer.state.error.message, /cannot index c0/)
      broken = false
      await converges(namespace, followed)
    })
  })

  describe('an API server without streaming lists', { timeout: 300_000 }, () => {
    let old: ChildProcess
    let server = ''
    before(async () => {
      // A second API server on the same etcd, with the same certificates and rights.
      const pid = cluster.controlPlane.pids()['kube-apiserver']
      const [command = '', ...flags] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
      const port = 7443
      old = spawn(command, [...flags, `--secure-port=${port}`, '--feature-gates=WatchList=false'], { stdio: 'ignore' })
      server = cluster.controlPlane.server.replace(/:\d+$/, `:${port}`)
      const config = loadKubeConfig({ file: cluster.controlPlane.kubeconfig })
      Object.assign(config.getCurrentCluster() ?? {}, { server })
      const connection = new Connection('old', await createTransport(config), { breaker: { threshold: 1_000 } })
      const client = new Client(connection, 'kosmos-test')
      while (!(await client.raw('/readyz').catch(() => false))) await sleep(100)
      await connection.close()
    })
    after(async () => {
      old.kill('SIGKILL')
      await once(old, 'exit')
    })

    it('is listed in pages and then followed', async (t) => {
      const namespace = await cluster.namespace('paged')
      const names = Array.from({ length: 25 }, (_, index) => `n${index}`)
      await Promise.all(names.map((name) => writer.create(configMaps, { metadata: { name, namespace } })))
      const followed = await follow(t, namespace, { server, pageSize: 10 })
      await converges(namespace, followed)
      assert.equal(followed.informer.store.size, 25)
      const pick = random(4)
      for (let i = 0; i < 50; i++) await write(namespace, pick)
      await converges(namespace, followed)
      for (const object of followed.informer.store.values()) assert.equal(object.kind ?? 'ConfigMap', 'ConfigMap')
    })

    it('tells who wrote, in pages and afterwards, whom it interests', async (t) => {
      const namespace = await cluster.namespace('written')
      const create = (name: string) =>
        writer.create(configMaps, { metadata: { name, namespace }, data: { a: 'b' } } as KubeObject)
      await create('first')
      const { informer } = await follow(t, namespace, { server, managedFields: true })
      await informer.synced
      await create('second')
      for (const name of ['first', 'second']) {
        while (!informer.get(`${namespace}/${name}`)) await sleep(20)
        const seen = informer.get(`${namespace}/${name}`)
        assert.match(JSON.stringify(seen?.metadata), /"managedFields":\[\{"manager":"kosmos-test"/)
      }
    })
  })

  describe('any sequence of faults', { timeout: 600_000 }, () => {
    const faults = fc.constantFrom(
      ...(['cut', 'freeze', 'delay', 'halfClose', '429', '500', '503', '410', 'expire'] as const),
      ...(['compact', 'kube-apiserver', 'etcd'] as const),
    )
    const step = fc.record({ fault: faults, writes: fc.integer({ min: 1, max: 15 }), pauseMs: fc.nat({ max: 300 }) })

    async function suffer(
      { fault, writes, pauseMs }: { fault: string; writes: number; pauseMs: number },
      work: () => Promise<void>,
    ) {
      if (fault === 'cut') proxy.cut()
      else if (fault === 'freeze') proxy.freeze()
      else if (fault === 'delay') proxy.delay(pauseMs)
      else if (fault === 'halfClose') proxy.halfClose()
      else if (fault === 'expire') proxy.expireWatches()
      else if (fault === 'compact') await compact()
      else if (fault === 'kube-apiserver' || fault === 'etcd') await crash(fault)
      else {
        // Running watches ask nothing by themselves.
        proxy.cut()
        await proxy.restore()
        proxy.answer(Number(fault) as 410 | 429 | 500 | 503)
      }
      for (let i = 0; i < writes; i++) await work()
      await sleep(pauseMs)
    }

    it('leaves the store equal to the API server, with no change lost, doubled or out of order', async (t) => {
      const namespace = await cluster.namespace('chaos')
      const followed = [
        await follow(t, namespace),
        await follow(t, namespace, { metadataOnly: true }),
        await follow(t, namespace, { metadataOnly: 'list' }),
        await follow(t, namespace),
      ]
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 10 }), fc.nat(), async (steps, seed) => {
          const pick = random(seed)
          for (const one of steps) {
            await suffer(one, () => write(namespace, pick))
            if (pick(2) === 0) await proxy.restore()
          }
          await proxy.restore()
          await Promise.all(followed.map((one) => converges(namespace, one)))
        }),
        { numRuns: Number(process.env.KOSMOS_FAULT_RUNS ?? 4), endOnFailure: true },
      )
    })
  })
})
