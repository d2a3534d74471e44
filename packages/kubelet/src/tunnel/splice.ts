import type { Socket } from 'node:net'
import { countPassed } from './young-buffers.ts'

/** How long the other direction may be silent once one has ended; streaming protocols end as a whole. */
const halfOpenMs = 60_000

/**
 * Joins two sockets: bytes go both ways at the pace of the slower reader, an end of input is passed on while the other
 * direction goes on (half-close), a break or `idleMs` without a byte in either direction breaks both. Resolves when both
 * are closed.
 */
export function splice(a: Socket, b: Socket, idleMs: number): Promise<void> {
  return new Promise((resolve) => {
    let open = 2
    // Each byte is read from one socket and written to the other, so both timers know of it.
    const limitSilence = (ms: number) => {
      a.setTimeout(ms)
      b.setTimeout(ms)
    }
    const join = (from: Socket, to: Socket) => {
      from.setNoDelay(true)
      from.setKeepAlive(true, 30_000)
      from.on('timeout', () => from.destroy())
      from.on('error', () => from.destroy())
      from.once('end', () => limitSilence(Math.min(idleMs, halfOpenMs)))
      const closed = () => {
        // After an end of input, what is left in our buffers still has to reach the other side.
        if (from.readableEnded) to.destroySoon()
        else to.destroy()
        if (--open === 0) resolve()
      }
      if (from.closed) return closed()
      from.once('close', closed)
      pump(from, to)
    }
    limitSilence(idleMs)
    join(a, b)
    join(b, a)
  })
}

/** Most bytes that wait for the reader before no more are read for it. */
const maxWaiting = 256 * 1024

/**
 * Passes on bytes and their end at the reader's pace. TLS hands over one record at a time, and each write is a record and
 * a system call of its own, so what comes in one turn of the event loop is written at once.
 */
function pump(from: Socket, to: Socket): void {
  let corked = false
  const flush = () => {
    corked = false
    to.uncork()
  }
  from.on('data', (chunk: Buffer) => {
    countPassed(chunk.length)
    if (!corked) {
      corked = true
      to.cork()
      setImmediate(flush)
    }
    if (!to.write(chunk) && to.writableLength >= maxWaiting) from.pause()
  })
  to.on('drain', () => from.resume())
  if (from.readableEnded) to.end()
  else from.once('end', () => to.end())
}
