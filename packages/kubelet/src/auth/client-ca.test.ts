import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Client } from '@kosmos/kube'
import { startPeer } from '../testing/leaf.ts'
import { followClientCA } from './client-ca.ts'

it('the authorities of clients stay as they were while the ConfigMap with them is away', {
  timeout: 120_000,
}, async (t) => {
  const { server, connection, close } = await startPeer()
  t.after(close)
  const frame = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`
  const listEnd = { metadata: { resourceVersion: '7', annotations: { 'k8s.io/initial-events-end': 'true' } } }
  const written = { metadata: { name: 'a', uid: 'u', resourceVersion: '8' }, data: { 'client-ca-file': 'bundle' } }
  server.on('request', (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write(frame('BOOKMARK', listEnd) + frame('ADDED', written))
  })
  const stop = new AbortController()
  const told: (string | undefined)[] = []
  const take = (pem: string | undefined) => {
    told.push(pem)
    if (pem !== undefined) stop.abort()
  }
  await followClientCA(new Client(connection, 'kosmos-test'), take, stop.signal)
  assert.deepEqual(told, ['bundle'])
})
