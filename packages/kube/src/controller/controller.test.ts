import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { keyOf } from '../objects/key.ts'
import type { KubeObject } from '../objects/types.ts'
import { Store } from '../store/store.ts'
import { Controller, type ControllerOptions, type ReconcileObservation } from './controller.ts'

const pod = (name: string, resourceVersion = '1'): KubeObject => ({
  metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion },
})

/** A source as an informer is one, whose sync is in the test's hand. */
function source() {
  const store = new Store()
  const { promise: synced, resolve: sync } = Promise.withResolvers<void>()
  return { store, sync, source: { synced, subscribe: store.subscribe.bind(store) } }
}

/** Resolves once the check holds; the test's own time-out ends it otherwise. */
async function until(check: () => boolean): Promise<void> {
  while (!check()) await sleep(1)
}

function started(reconcile: ControllerOptions<string>['reconcile'], options: Partial<ControllerOptions<string>> = {}) {
  const stop = new AbortController()
  const observations: ReconcileObservation[] = []
  const controller = new Controller({
    name: 'pods',
    reconcile,
    backoff: { minMs: 1, maxMs: 1, jitter: 0 },
    onReconcile: (observation) => observations.push(observation),
    ...options,
  })
  return { controller, observations, stop, run: () => controller.run(stop.signal) }
}

describe('a controller', { timeout: 120_000 }, () => {
  it('reconciles nothing before every source has synced, then every key once', async () => {
    const reconciled: string[] = []
    const { controller, run, stop } = started(async (key) => {
      reconciled.push(key)
      return undefined
    })
    const [first, second, other] = [source(), source(), Promise.withResolvers<void>()]
    controller
      .watch(first.source, ({ key }) => [key])
      .watch(second.source, ({ key }) => [key])
      .waitFor(other.promise)
    const running = run()
    first.store.set(pod('a'))
    first.store.set(pod('a', '2'))
    controller.enqueue('by-hand')
    controller.enqueueAfter('delayed', 1)
    for (const sync of [first.sync, second.sync]) {
      sync()
      await sleep(5)
      assert.deepEqual(reconciled, [])
    }
    second.store.set(pod('b'))
    other.resolve()
    await until(() => reconciled.length >= 4)
    assert.deepEqual(reconciled.sort(), ['by-hand', 'delayed', 'shop/a', 'shop/b'])
    stop.abort()
    await running
  })

  it('waits for each of its sources, whichever is the last', async () => {
    for (const last of ['first', 'second', 'other'] as const) {
      const { controller, run, stop, observations } = started(async () => undefined)
      const [first, second, other] = [source(), source(), Promise.withResolvers<void>()]
      const ends = { first: first.sync, second: second.sync, other: other.resolve }
      controller.watch(first.source, () => []).watch(second.source, () => [])
      controller.waitFor(other.promise)
      controller.enqueue('a')
      const running = run()
      for (const [name, end] of Object.entries(ends)) if (name !== last) end()
      await sleep(5)
      assert.deepEqual(observations, [], last)
      ends[last]()
      await until(() => observations.length > 0)
      stop.abort()
      await running
    }
  })

  it('works on as many keys at a time as it was told, and says of each how it went', async () => {
    const begun: string[] = []
    const ends = new Map<string, () => void>()
    const reconcile = (key: string) => {
      begun.push(key)
      return new Promise<undefined>((resolve) => ends.set(key, () => resolve(undefined)))
    }
    const { controller, run, stop, observations } = started(reconcile, { concurrency: 2 })
    for (const key of ['a', 'b', 'c']) controller.enqueue(key)
    const before = performance.now()
    const running = run()
    await until(() => begun.length === 2)
    await sleep(5)
    assert.deepEqual([begun, controller.depth], [['a', 'b'], 1])
    ends.get('a')?.()
    await until(() => begun.length === 3)
    const [told] = observations
    assert.deepEqual([told?.controller, told?.key, told?.error], ['pods', 'a', undefined])
    const seconds = told?.seconds ?? -1
    assert.ok(seconds >= 0.004 && seconds <= (performance.now() - before) / 1000, `${seconds} s`)
    stop.abort()
    for (const end of ends.values()) end()
    await running
  })

  it('pauses after a failure as it was told', async () => {
    const asked: number[] = []
    const random = () => asked.push(asked.length)
    let tries = 0
    const { controller, run, stop } = started(
      async () => {
        if (++tries === 1) throw new Error('once')
        return undefined
      },
      { backoff: { minMs: 1, maxMs: 1, jitter: 0.1, random } },
    )
    controller.enqueue('a')
    const running = run()
    await until(() => tries === 2)
    stop.abort()
    await running
    assert.equal(asked.length, 1)
  })

  it('comes back to a key whose reconcile throws, whatever it throws, and to the others meanwhile', async () => {
    const tries = new Map<string, number>()
    const { controller, run, stop, observations } = started(async (key) => {
      const count = (tries.get(key) ?? 0) + 1
      tries.set(key, count)
      if (key === 'bad' && count < 4) throw count === 1 ? new Error('boom') : count === 2 ? 'text' : undefined
      return undefined
    })
    const running = run()
    for (const key of ['bad', 'a', 'b']) controller.enqueue(key)
    await until(() => tries.get('bad') === 4)
    stop.abort()
    await running
    assert.deepEqual([tries.get('a'), tries.get('b')], [1, 1])
    assert.deepEqual(
      observations.filter(({ key }) => key === 'bad').map(({ error }) => error?.message),
      ['boom', 'text', 'undefined', undefined],
    )
  })

  it('reconciles a key again after the time that reconcile asked for', async () => {
    let count = 0
    const { controller, run, stop } = started(async () => (++count < 3 ? { afterMs: 1 } : undefined))
    const running = run()
    controller.enqueue('a')
    await until(() => count === 3)
    stop.abort()
    await running
    assert.equal(count, 3)
  })

  it('takes a mapping from changes to keys that throws as no keys, and goes on with the others', async (t) => {
    t.mock.method(process, 'emitWarning', () => {})
    const reconciled: string[] = []
    const { controller, run, stop } = started(async (key) => {
      reconciled.push(key)
      return undefined
    })
    const pods = source()
    controller.watch(pods.source, ({ object }) => {
      if (object.metadata?.name === 'odd') throw new Error('cannot say')
      return [keyOf(object)]
    })
    pods.sync()
    const running = run()
    pods.store.set(pod('odd'))
    pods.store.set(pod('a'))
    await until(() => reconciled.length > 0)
    stop.abort()
    await running
    assert.deepEqual(reconciled, ['shop/a'])
  })

  it('ends only when what runs has ended, and hears of no change afterwards', async () => {
    const work = Promise.withResolvers<undefined>()
    const reconciled: string[] = []
    const { controller, run, stop } = started((key) => {
      reconciled.push(key)
      return work.promise
    })
    const pods = source()
    controller.watch(pods.source, ({ key }) => [key])
    pods.sync()
    let ended = false
    const running = run().then(() => {
      ended = true
    })
    pods.store.set(pod('a'))
    await until(() => reconciled.length === 1)
    stop.abort()
    await sleep(5)
    assert.equal(ended, false)
    work.resolve(undefined)
    await running
    pods.store.set(pod('b'))
    await sleep(5)
    assert.deepEqual(reconciled, ['shop/a'])
  })

  it('ends at once when it is stopped before its sources have synced', async () => {
    const { controller, run, stop, observations } = started(async () => undefined)
    controller.watch(source().source, ({ key }) => [key])
    controller.enqueue('a')
    const running = run()
    stop.abort()
    await running
    assert.deepEqual(observations, [])
  })

  it('ends, and hears of no change afterwards, when it is known that what it waits for will never be known', async () => {
    const { controller, run } = started(async () => undefined)
    const pods = source()
    const keys: string[] = []
    controller.watch(pods.source, ({ key }) => {
      keys.push(key)
      return [key]
    })
    controller.waitFor(Promise.reject(new Error('no such kind')))
    await assert.rejects(run(), /no such kind/)
    pods.store.set(pod('a'))
    assert.deepEqual(keys, [])
  })
})
