import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { createServer, type Server } from 'node:tls'
import { type Authority, createAuthority } from '@kosmos/testbed'
import { addressVerdict, askAddress } from './root-address.ts'

describe("the address at which pods reach the root's API server", () => {
  let authority: Authority
  let server: Server
  let port: number

  before(async () => {
    authority = await createAuthority('root')
    const { certificate, key } = await authority.issue({ commonName: 'kube-apiserver', hosts: ['127.0.0.1'] })
    server = createServer({ cert: certificate, key })
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  after(() => server?.close())

  const verdict = async (origin: string, ca = authority.certificate) =>
    addressVerdict(origin, await askAddress(origin, ca))

  it('is fine where the certificate is valid for it and of the authority that pods are given', async () => {
    assert.equal((await verdict(`https://127.0.0.1:${port}`)).status, 'ok')
  })

  it('is a problem where the certificate is for other hosts, or of somebody else', async () => {
    const otherHost = await verdict(`https://localhost:${port}`)
    assert.equal(otherHost.status, 'problem')
    assert.match(otherHost.what, /localhost/)
    const otherAuthority = await verdict(`https://127.0.0.1:${port}`, (await createAuthority('proxy')).certificate)
    assert.equal(otherAuthority.status, 'problem')
  })

  it('is nothing to blame where this machine does not reach it', async () => {
    const closed = createServer()
    closed.listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    await once(closed, 'close')
    assert.equal((await verdict(`https://127.0.0.1:${port}`)).status, 'skipped')
    assert.equal(addressVerdict(undefined, undefined).status, 'skipped')
  })
})
