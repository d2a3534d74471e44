import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { after, before, describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { isLoopback, serveHttp } from './http.ts'

describe('the port of probes and metrics', () => {
  let ready = false
  let http: Awaited<ReturnType<typeof serveHttp>>
  let port: string
  before(async () => {
    http = await serveHttp({ address: '0.0.0.0', port: 0, registry: new Registry(), isReady: () => ready })
    port = new URL(http.url).port
  })
  after(() => http.close())
  const ask = async (path: string, host = '127.0.0.1') => (await fetch(`http://${host}:${port}${path}`)).status

  it('says whether the process lives and works', async () => {
    assert.equal(await ask('/livez'), 200)
    assert.equal(await ask('/readyz'), 503)
    ready = true
    assert.equal(await ask('/readyz'), 200)
  })

  it('gives metrics to this host and to nobody else', async (test) => {
    assert.equal(await ask('/metrics'), 200)
    const other = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === 'IPv4' && !address.internal)
    if (!other) return test.skip('this machine has no address but loopback')
    assert.equal(await ask('/metrics', other.address), 403)
    assert.equal(await ask('/livez', other.address), 200)
  })

  it('knows its own host in every form', () => {
    for (const address of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']) assert(isLoopback(address), address)
    for (const address of ['10.0.0.1', '::ffff:10.0.0.1', 'fd00::1', '', undefined])
      assert(!isLoopback(address), String(address))
  })
})
