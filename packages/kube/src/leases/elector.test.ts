import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { clientAnswered } from '../client/answered.fixture.ts'
import { aborted } from '../signals/aborted.ts'
import { LeaderElector } from './elector.ts'

const lease = { namespace: 'default', name: 'elected' }
const json = { 'content-type': 'application/json' }
const timing = { leaseDurationMs: 1_000, renewDeadlineMs: 500, retryPeriodMs: 50 }

/** Of a server that lets a lease be created, and says nothing afterwards. */
async function elector(t: TestContext, onStarted: (signal: AbortSignal, lost: AbortSignal) => Promise<void>) {
  const client = await clientAnswered(t, (request, response) => {
    if (request.method === 'GET') {
      response.writeHead(404, json).end(JSON.stringify({ kind: 'Status', code: 404, details: { name: 'elected' } }))
    } else if (request.method === 'POST') {
      response.writeHead(201, json).end(JSON.stringify({ metadata: { ...lease, uid: 'u' } }))
    }
  })
  return new LeaderElector({
    client,
    lease,
    identity: 'me',
    ...timing,
    onStarted,
  })
}

describe('the work of a leader', { timeout: 120_000 }, () => {
  it('is told at once when the lease is lost, also while it ends', async (t) => {
    for (const isEnding of [false, true]) {
      const stop = new AbortController()
      const running = await elector(t, async (signal, lost) => {
        if (isEnding) stop.abort()
        await aborted(lost)
        assert.ok(signal.aborted)
        stop.abort()
      })
      await running.run(stop.signal)
    }
  })

  it('is not told so when it is only to end', async (t) => {
    const stop = new AbortController()
    const lost: boolean[] = []
    const running = await elector(t, async (signal, loss) => {
      stop.abort()
      await aborted(signal)
      lost.push(loss.aborted)
    })
    await running.run(stop.signal)
    assert.deepEqual(lost, [false])
  })
})
