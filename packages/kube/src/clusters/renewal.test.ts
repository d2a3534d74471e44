import assert from 'node:assert/strict'
import { it } from 'node:test'
import { clientAnswered } from '../client/answered.fixture.ts'
import { base64 } from '../connection/peer.fixture.ts'
import type { Secret } from '../objects/types.ts'
import { accountToken, kubeconfig } from '../testing/index.ts'
import { renewToken } from './renewal.ts'

it('the token by which a leaf is reached is not waited for as long as the leaf likes: its heartbeat waits as well', {
  timeout: 120_000,
}, async (t) => {
  const leaf = await clientAnswered(t, (_request, response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end('too many requests')
  })
  const text = kubeconfig({ user: { token: accountToken(0, 3_600) } })
  const secret = { metadata: { name: 'leaf' }, data: { kubeconfig: base64(text) } } as unknown as Secret
  const options = { root: leaf, leaf, secret, key: 'kubeconfig', kubeconfig: text }
  await assert.rejects(renewToken(options, 3_000_000), { name: 'ApiError', code: 429 })
})
