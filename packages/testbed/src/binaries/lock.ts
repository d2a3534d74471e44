import { closeSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { identify, isAlive, type ProcessIdentity } from '../processes/identity.ts'
import type { Progress } from '../progress.ts'

/** Runs `work` while holding a lock file; waits for another living process that holds it, takes over from a dead one. */
export async function withLock<T>(file: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  mkdirSync(path.dirname(file), { recursive: true })
  const mine = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`
  write(mine)
  try {
    for (let waited = false; !acquire(file, mine); waited = true) {
      const holder = holderOf(file)
      if (!waited && holder)
        progress.step(`waiting for process ${holder.pid}, which prepares the same binaries (${file})`)
      if (!holder || !isAlive(holder)) rmSync(file, { force: true })
      else await sleep(200)
    }
    try {
      return await work()
    } finally {
      rmSync(file, { force: true })
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

function write(file: string): void {
  const descriptor = openSync(file, 'w')
  writeSync(descriptor, JSON.stringify(identify(process.pid)))
  closeSync(descriptor)
}

/** A hard link appears with its content, all at once: nobody ever reads a lock that does not name its holder. */
function acquire(file: string, mine: string): boolean {
  try {
    linkSync(mine, file)
    return true
  } catch {
    return false
  }
}

function holderOf(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity
  } catch {
    return undefined
  }
}
