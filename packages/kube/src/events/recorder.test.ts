import assert from 'node:assert/strict'
import { it } from 'node:test'
import { clientAnswered } from '../client/answered.fixture.ts'
import { EventRecorder } from './recorder.ts'

it('events that an API server wants in an hour do not hold the end of a process up', {
  timeout: 120_000,
}, async (t) => {
  const client = await clientAnswered(t, (_request, response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end()
  })
  const recorder = new EventRecorder({ client, controller: 'kosmos.io/test' })
  const pod = { kind: 'Pod', namespace: 'shop', name: 'web', uid: 'u' }
  recorder.record(pod, { type: 'Warning', reason: 'Failed', action: 'Sync', note: 'no' })
  await recorder.flush(50)
  await client.connection.close()
  await recorder.flush()
  assert.equal(recorder.counters.written, 0)
})
