import assert from 'node:assert/strict'
import { it } from 'node:test'
import { clientAnswered } from '../client/answered.fixture.ts'
import { renewHeartbeat, startHeartbeat } from './heartbeat.ts'

it('a heartbeat that gets no answer, or is to come later, ends before the next, which may wait for it', {
  timeout: 120_000,
}, async (t) => {
  const client = await clientAnswered(t, ({ method }, response) => {
    if (method === 'PATCH') response.writeHead(429, { 'retry-after': '3600' }).end()
  })
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'vn', uid: 'u' }
  const heartbeat = { namespace: 'kube-node-lease', name: 'vn', holder: 'vn', durationSeconds: 4, owner }
  const late = /^RequestAborted: leaf: P(ATCH|OST) \/apis\/coordination.*: no answer in the time it had$/
  await assert.rejects(renewHeartbeat(client, heartbeat), late)
  await assert.rejects(startHeartbeat(client, heartbeat), late)
  assert.equal(client.connection.breaker.retryInMs(), 0)
})
