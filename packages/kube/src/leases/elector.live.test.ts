import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { liveCluster } from '../live.fixture.ts'
import { leases } from '../objects/resources.ts'
import { LeaderElector } from './elector.ts'
import { Replicas } from './replicas.fixture.ts'

describe('three replicas that elect a leader on a real API server', () => {
  const cluster = liveCluster()
  let replicas: Replicas | undefined
  after(() => replicas?.killAll())

  const others = (leader: string) => (recent: readonly { identity: string }[]) =>
    recent.find(({ identity }) => identity !== leader)?.identity

  it('have one at a time, through a kill, a freeze, a stop and an outage', { timeout: 300_000 }, async () => {
    const running = new Replicas('elect', cluster.controlPlane.kubeconfig)
    replicas = running
    const all = new Map(['a', 'b', 'c'].map((name) => [name, running.start(name)]))

    const killed = await running.until((recent) => recent[0]?.identity)
    await all.get(killed)?.kill()
    // Under a name of its own, as a new pod has: the old name would find itself the holder and lead on.
    all.set('d', running.start('d'))

    const frozen = await running.until(others(killed))
    all.get(frozen)?.process.kill('SIGSTOP')
    const stopped = await running.until(others(frozen))
    all.get(frozen)?.process.kill('SIGCONT')
    await running.until((recent) => (recent.length > 50 ? true : undefined))

    await all.get(stopped)?.stop()
    await running.until(others(stopped))

    await cluster.controlPlane.kill('kube-apiserver')
    await running.until((recent) => (recent.at(-1) && Date.now() - Number(recent.at(-1)?.at) > 1000) || undefined)
    await cluster.controlPlane.restart('kube-apiserver')
    await running.until((recent) => recent[0])

    running.assertExclusive()
    const lease = await (await cluster.client()).get(leases, { namespace: 'default', name: 'elected' })
    assert.ok(Number(lease?.spec?.leaseTransitions) >= 3)
  })
})

describe('a leader on a real API server', () => {
  const cluster = liveCluster()
  const timing = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 200 }
  const lease = (name: string) => ({ namespace: 'default', name })

  it('releases the lease when it stops, after its work has ended, so that the next leads at once', async () => {
    const client = await cluster.client()
    const stop = new AbortController()
    const order: string[] = []
    const working = Promise.withResolvers<void>()
    const run = (identity: string, onStarted: (signal: AbortSignal) => Promise<void> | void) =>
      new LeaderElector({ client, lease: lease('handed-over'), identity, ...timing, onStarted })
    const first = run('first', async (signal) => {
      working.resolve()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      const held = await client.get(leases, lease('handed-over'))
      order.push(`work ended, ${held?.spec?.holderIdentity} holds`)
    }).run(stop.signal)
    await working.promise
    stop.abort()
    await first
    const released = await client.get(leases, lease('handed-over'))
    order.push(`released to "${released?.spec?.holderIdentity}"`)
    const second = new AbortController()
    await run('second', () => second.abort()).run(second.signal)
    assert.deepEqual(order, ['work ended, first holds', 'released to ""'])
  })

  it('leads again over a lease that somebody labelled meanwhile, without a break', async () => {
    const client = await cluster.client()
    const stop = new AbortController()
    let terms = 0
    const elector = new LeaderElector({
      client,
      lease: lease('labelled'),
      identity: 'me',
      ...timing,
      onStarted: () => {
        terms++
      },
    })
    const running = elector.run(stop.signal)
    const renewed = async (than: string | undefined) => {
      for (;;) {
        const now = (await client.get(leases, lease('labelled')))?.spec?.renewTime
        if (now !== undefined && now !== than) return now
      }
    }
    let last = await renewed(undefined)
    for (let i = 0; i < 3; i++) {
      await client.patch(leases, lease('labelled'), { metadata: { labels: { i: `${i}` } } }, { type: 'merge' })
      last = await renewed(last)
    }
    assert.ok(elector.isLeader)
    stop.abort()
    await running
    assert.equal(terms, 1)
  })

  it('gives the lease up and tells the caller when its work fails', async () => {
    const client = await cluster.client()
    const elector = new LeaderElector({
      client,
      lease: lease('failed'),
      identity: 'me',
      ...timing,
      onStarted: () => Promise.reject(new Error('broken')),
    })
    await assert.rejects(elector.run(new AbortController().signal), /broken/)
    assert.ok(!elector.isLeader)
    assert.equal((await client.get(leases, lease('failed')))?.spec?.holderIdentity, '')
  })

  it('leads on although who looks on throws', async (t) => {
    t.mock.method(process, 'emitWarning', () => {})
    const client = await cluster.client()
    const stop = new AbortController()
    const elector = new LeaderElector({
      client,
      lease: lease('watched'),
      identity: 'me',
      ...timing,
      onStarted: () => stop.abort(),
      onNewLeader: () => {
        throw new Error('broken observer')
      },
      onStopped: () => {
        throw new Error('broken observer')
      },
    })
    await elector.run(stop.signal)
    assert.equal((await client.get(leases, lease('watched')))?.spec?.holderIdentity, '')
  })
})
