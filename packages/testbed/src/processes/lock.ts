import { createHash } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'
import path from 'node:path'
import type { Progress } from '../progress.ts'

/**
 * Runs `work` while no other process of this machine runs any under the same name, an absolute path by convention.
 *
 * The lock is an abstract socket of that name: the kernel lets one process listen on it and takes it back when that one
 * ends, however it does, so nothing can be left behind or be mistaken for stale. Those who wait are connected to it.
 */
export async function withLock<T>(name: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  const socketName = `\0kosmos-lock-${createHash('sha256').update(path.resolve(name)).digest('hex').slice(0, 40)}`
  let announced = false
  for (;;) {
    const release = await acquire(socketName)
    if (release) {
      try {
        return await work()
      } finally {
        release()
      }
    }
    await released(socketName, (holder) => {
      if (!announced) progress.step(`waiting for process ${holder}, which is working on ${name}`)
      announced = true
    })
  }
}

/** What gives the lock back, or undefined when somebody else has it. */
function acquire(socketName: string): Promise<(() => void) | undefined> {
  const waiting = new Set<Socket>()
  const server = createServer((socket) => {
    waiting.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => waiting.delete(socket))
    socket.write(String(process.pid))
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(socketName, () => {
      resolve(() => {
        server.close()
        for (const socket of waiting) socket.destroy()
      })
    })
  })
}

/** Resolves when the holder let go; it may be somebody else's again by then. */
function released(socketName: string, onHolder: (pid: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(socketName)
    socket.once('data', (pid) => onHolder(pid.toString()))
    socket.on('error', () => {})
    socket.once('close', () => resolve())
  })
}
