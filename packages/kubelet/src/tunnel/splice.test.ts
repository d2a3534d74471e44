import assert from 'node:assert/strict'
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { splice } from './splice.ts'

/** The two ends of a TCP connection. */
async function pair(): Promise<[Socket, Socket]> {
  const server = net.createServer({ allowHalfOpen: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const near = net.connect({ port: (server.address() as AddressInfo).port, allowHalfOpen: true })
  await once(near, 'connect')
  const [far] = await accepted
  server.close()
  for (const socket of [near, far]) socket.on('error', () => {})
  return [near, far]
}

describe('two joined sockets', () => {
  it('are broken off when nothing moves for too long', async () => {
    const [client, a] = await pair()
    const [b, leaf] = await pair()
    for (const end of [client, leaf]) end.resume().on('end', () => end.end())
    await splice(a, b, 50)
    assert.ok(a.destroyed && b.destroyed)
  })

  it('bring a slow reader all that was sent before the other side ended and broke', async () => {
    const server = net.createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const accepted = once(server, 'connection') as Promise<[Socket]>
    // A socket that is not connected yet takes nothing off our hands.
    const connect = Promise.withResolvers<void>()
    const lookup: net.LookupFunction = (_host, _options, found) =>
      void connect.promise.then(() => found(null, [{ address: '127.0.0.1', family: 4 }]))
    const a = net.connect({ port: (server.address() as AddressInfo).port, host: 'slow.reader', lookup })
    const [b, leaf] = await pair()
    const over = splice(a, b, 60_000)
    leaf.end('all of it')
    await once(b, 'end')
    b.destroy()
    await once(b, 'close')
    connect.resolve()
    const [client] = await accepted
    let received = ''
    client.on('data', (chunk: Buffer) => {
      received += chunk
    })
    await once(client, 'end')
    await over
    assert.equal(received, 'all of it')
    leaf.destroy()
    server.close()
  })

  it('are both closed when one was closed before they were joined', async () => {
    const [client, a] = await pair()
    const [b, leaf] = await pair()
    for (const end of [client, leaf]) end.resume().on('end', () => end.end())
    a.destroy()
    await once(a, 'close')
    await splice(a, b, 60_000)
    assert.ok(b.destroyed)
  })

  it('are both closed when one is reset', async () => {
    const [client, a] = await pair()
    const [b, leaf] = await pair()
    leaf.resume().on('end', () => leaf.end())
    const over = splice(a, b, 60_000)
    client.resetAndDestroy()
    await over
    assert.ok(a.destroyed && b.destroyed)
  })
})
