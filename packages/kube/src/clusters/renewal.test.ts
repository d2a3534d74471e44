import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Client } from '../client/client.ts'
import { Connection } from '../connection/connection.ts'
import { base64, configFor, createCertificates, startPeer } from '../connection/peer.fixture.ts'
import { createTransport } from '../connection/transport.ts'
import type { Secret } from '../objects/types.ts'
import { accountToken, kubeconfig } from '../testing/index.ts'
import { renewToken } from './renewal.ts'

it('the token by which a leaf is reached is not waited for as long as the leaf likes: its heartbeat waits as well', {
  timeout: 20_000,
}, async (t) => {
  const certificates = await createCertificates()
  const { url } = await startPeer(t, certificates, (_request, response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end('too many requests')
  })
  const config = configFor(url, { caData: base64(certificates.authority.certificate) })
  const leaf = new Client(new Connection('leaf', await createTransport(config)), 'kosmos-test')
  t.after(() => leaf.connection.close())
  const text = kubeconfig({ user: { token: accountToken(0, 3_600) } })
  const secret = { metadata: { name: 'leaf' }, data: { kubeconfig: base64(text) } } as unknown as Secret
  const options = { root: leaf, leaf, secret, key: 'kubeconfig', kubeconfig: text }
  await assert.rejects(renewToken(options, 3_000_000), { name: 'ApiError', code: 429 })
})
