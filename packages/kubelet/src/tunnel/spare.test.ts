import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext, type TLSSocket } from 'node:tls'
import { type Peer, startPeer } from '../testing/leaf.ts'
import { createSpares, type Spares } from './spare.ts'

describe('a spare connection to a leaf', () => {
  let leaf: Peer
  let opened: TLSSocket[]
  beforeEach(async () => {
    leaf = await startPeer()
    opened = []
    leaf.server.on('secureConnection', (socket) => opened.push(socket))
  })
  afterEach(() => leaf.close())

  const options = async () => await leaf.connection.upgradeOptions('/exec')
  /** Opens a spare one, and waits until it can be had; it is not taken. */
  async function prepared(spares: Spares) {
    spares.prepare(leaf.connection, await options())
    while (opened.length === 0) await sleep(5)
    // Our end knows a moment later.
    await sleep(50)
  }
  async function gone() {
    for (const socket of opened) if (!socket.closed) await once(socket.resume(), 'close')
  }

  it('is one, which is given once and bears a request', async () => {
    const spares = createSpares()
    await prepared(spares)
    spares.prepare(leaf.connection, await options())
    const socket = spares.take(leaf.connection, await options())
    assert(socket?.authorized)
    assert.equal(spares.take(leaf.connection, await options()), undefined)
    leaf.server.once('request', (_request, response) => response.end('here'))
    socket.write('GET / HTTP/1.1\r\nHost: leaf\r\n\r\n')
    const [answer] = await once(socket, 'data')
    assert.match(String(answer), /^HTTP\/1.1 200 /)
    assert.equal(opened.length, 1)
    socket.destroy()
  })

  it('is none of another login, and then it is closed', async () => {
    const spares = createSpares()
    await prepared(spares)
    assert.equal(
      spares.take(leaf.connection, { ...(await options()), secureContext: createSecureContext() }),
      undefined,
    )
    await gone()
  })

  it('is none when the leaf has hung up, or said something', async () => {
    for (const leave of [(socket: Socket) => socket.end(), (socket: Socket) => socket.write('HTTP/1.1 408 \r\n\r\n')]) {
      const spares = createSpares()
      opened = []
      await prepared(spares)
      for (const socket of opened) leave(socket)
      await gone()
      assert.equal(spares.take(leaf.connection, await options()), undefined)
    }
  })

  it('is none when it has waited too long, and when we have closed our connection', async () => {
    const spares = createSpares(200)
    await prepared(spares)
    await gone()
    assert.equal(spares.take(leaf.connection, await options()), undefined)
    const others = createSpares()
    opened = []
    await prepared(others)
    await leaf.connection.close()
    assert.equal(others.take(leaf.connection, await options()), undefined)
    await gone()
  })

  it('is not opened by way of a proxy, nor without a login that stays', async () => {
    const spares = createSpares()
    const { agent, secureContext, ...rest } = await options()
    assert(agent && secureContext)
    spares.prepare(leaf.connection, { ...rest, agent } as never)
    const proxy = Object.assign(Object.create(Object.getPrototypeOf(agent)), { constructor: class Other {} })
    spares.prepare(leaf.connection, { ...rest, secureContext, agent: proxy })
    await prepared(spares)
    assert.equal(opened.length, 1, 'only the third')
  })
})
