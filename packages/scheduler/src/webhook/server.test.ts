import assert from 'node:assert/strict'
import https from 'node:https'
import { after, before, describe, it } from 'node:test'
import { selfSignedCertificate } from '@kosmos/kube/certificates'
import { podLike } from '../pods.fixture.ts'
import { type ServedCertificate, serveWebhook } from './server.ts'

const make = async (): Promise<ServedCertificate> => {
  const of = { subject: [{ CN: ['webhook'] }], hosts: ['127.0.0.1'], lifetimeMs: 60_000 }
  const { certificate, key } = await selfSignedCertificate(of)
  return { cert: certificate, key }
}

describe('whoever asks the webhook', () => {
  let certificate: ServedCertificate
  let server: Awaited<ReturnType<typeof serveWebhook>>
  before(async () => {
    certificate = await make()
    server = await serveWebhook({ address: '127.0.0.1', port: 0, clientCA: undefined, certificate })
  })
  after(() => server.close())

  const ask = async (body: string, { url = `${server.url}/wait`, ca = certificate.cert, method = 'POST' } = {}) =>
    await new Promise<{ code: number | undefined; text: string }>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' }
      const request = https.request(url, { method, headers, ca, agent: false }, async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        resolve({ code: response.statusCode, text })
      })
      request.on('error', reject)
      request.end(body)
    })
  const review = (object: object = podLike()) =>
    JSON.stringify({ apiVersion: 'admission.k8s.io/v1', request: { uid: 'u', object } })

  it('gets an answer to a review of a pod', async () => {
    const { code, text } = await ask(review())
    assert.equal(code, 200)
    assert.equal(JSON.parse(text).response.patchType, 'JSONPatch')
  })

  it('gets none to anything else', async () => {
    for (const body of ['', '{', '[]', '{}', review({}), review({ kind: 'Secret', metadata: {}, spec: {} })]) {
      assert.equal((await ask(body)).code, 400, body)
    }
    assert.equal((await ask(review(), { url: server.url })).code, 404)
    assert.equal((await ask('', { method: 'GET' })).code, 404)
    assert.equal((await ask(JSON.stringify('x'.repeat(5_000_000))).catch(() => ({ code: 413 }))).code, 413)
  })

  it('keeps its connection, until the replica is to end: then each answer is the last by its connection', async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: certificate.cert })
    const ports = new Set<number | undefined>()
    const askAgain = async () => {
      const { code, port } = await new Promise<{ code: number | undefined; port: number | undefined }>(
        (resolve, reject) => {
          const headers = { 'content-type': 'application/json' }
          const request = https.request(`${server.url}/wait`, { method: 'POST', headers, agent }, (response) => {
            const port = response.socket.localPort
            response.resume().on('end', () => resolve({ code: response.statusCode, port }))
          })
          request.on('error', reject)
          request.end(review())
        },
      )
      assert.equal(code, 200)
      ports.add(port)
    }
    await askAgain()
    await askAgain()
    assert.equal(ports.size, 1)
    server.sendElsewhere()
    await askAgain()
    assert.equal(ports.size, 1)
    await askAgain()
    await askAgain()
    assert.equal(ports.size, 3)
    agent.destroy()
  })

  it('sees the next certificate on a new connection', async () => {
    const next = await make()
    await assert.rejects(ask(review(), { ca: next.cert }))
    server.show(next)
    assert.equal((await ask(review(), { ca: next.cert })).code, 200)
    await assert.rejects(ask(review()))
    server.show(certificate)
  })
})
