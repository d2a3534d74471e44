import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Client } from '../client/client.ts'
import { Connection } from '../connection/connection.ts'
import { base64, configFor, createCertificates, startPeer } from '../connection/peer.fixture.ts'
import { createTransport } from '../connection/transport.ts'
import { renewHeartbeat, startHeartbeat } from './heartbeat.ts'

it('a heartbeat that gets no answer, or is to come later, ends before the next, which may wait for it', {
  timeout: 20_000,
}, async (t) => {
  const certificates = await createCertificates()
  const { url } = await startPeer(t, certificates, ({ method }, response) => {
    if (method === 'PATCH') response.writeHead(429, { 'retry-after': '3600' }).end()
  })
  const config = configFor(url, { caData: base64(certificates.authority.certificate) })
  const client = new Client(new Connection('root', await createTransport(config)), 'kosmos-test')
  t.after(() => client.connection.close())
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'vn', uid: 'u' }
  const heartbeat = { namespace: 'kube-node-lease', name: 'vn', holder: 'vn', durationSeconds: 4, owner }
  const late = /^RequestAborted: root: P(ATCH|OST) \/apis\/coordination.*: no answer in the time it had$/
  await assert.rejects(renewHeartbeat(client, heartbeat), late)
  await assert.rejects(startHeartbeat(client, heartbeat), late)
  assert.equal(client.connection.breaker.retryInMs(), 0)
})
