import { connect, createServer, type Server, type Socket } from 'node:net'
import { type Line, Valve } from './valve.ts'

interface Passage {
  readonly client: Socket
  readonly inner: Socket
  readonly valves: readonly Valve[]
}

/** A TCP relay whose line can be cut, frozen, slowed down and half-closed. */
export interface Relay {
  readonly port: number
  /** Resets every connection and refuses new ones. */
  cut(): void
  /** Accepts, but passes nothing in either direction, until {@link restore}. */
  freeze(): void
  /** Passes everything this much later, each way. */
  delay(ms: number): void
  /** Tells every client that nothing more will come (FIN), while still taking what it sends. */
  halfClose(): void
  /** A working line again; what was frozen arrives now. */
  restore(): Promise<void>
  close(): Promise<void>
}

/** Relays connections to `address` (a free port) to a listener of this process at `socketPath`. */
export async function startRelay(address: string, socketPath: string): Promise<Relay> {
  let line: Line = { frozen: false, delayMs: 0 }
  const passages = new Set<Passage>()
  let server: Server | undefined
  let port = 0

  const accept = (client: Socket): void => {
    const inner = connect({ path: socketPath, allowHalfOpen: true })
    const valves = [new Valve(() => line), new Valve(() => line)] as const
    const passage: Passage = { client, inner, valves }
    passages.add(passage)
    const end = (): void => {
      passages.delete(passage)
      for (const stream of [client, inner, ...valves]) stream.destroy()
    }
    for (const stream of [client, inner, ...valves]) stream.on('error', end)
    client.on('close', end)
    inner.on('close', () => {
      // Half-closed on purpose: the client decides when it is over.
      if (!client.writableEnded || client.readableEnded) end()
    })
    client.pipe(valves[0]).pipe(inner)
    inner.pipe(valves[1])
    valves[1].on('data', (chunk: Buffer) => {
      if (client.writable && !client.write(chunk)) {
        valves[1].pause()
        client.once('drain', () => valves[1].resume())
      }
    })
    valves[1].on('end', () => client.end())
  }

  const listen = async (): Promise<void> => {
    const next = createServer({ allowHalfOpen: true, noDelay: true }, accept)
    await new Promise<void>((resolve, reject) => {
      next.once('error', reject)
      next.listen({ host: address, port }, resolve)
    })
    const bound = next.address()
    if (bound !== null && typeof bound === 'object') port = bound.port
    server = next
  }

  const change = (next: Line): void => {
    line = next
    for (const { valves } of passages) for (const valve of valves) valve.release()
  }
  const cut = (): void => {
    server?.close()
    server = undefined
    for (const { client } of passages) client.resetAndDestroy()
  }

  await listen()
  return {
    port,
    cut,
    freeze: () => change({ ...line, frozen: true }),
    delay: (delayMs) => change({ ...line, delayMs }),
    halfClose: () => {
      for (const { client } of passages) client.end()
    },
    restore: async () => {
      change({ frozen: false, delayMs: 0 })
      if (!server) await listen()
    },
    close: async () => cut(),
  }
}
