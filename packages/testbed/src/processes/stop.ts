import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, markOf, type ProcessIdentity, processesWithEnvironment, signal } from './identity.ts'
import type { ProcessEntry } from './journal.ts'

/** TERM, then KILL after the component's time-out; resolves when the process is gone. */
export async function stop(entry: ProcessEntry, timeoutMs = entry.spec.stopTimeoutMs ?? 5000): Promise<void> {
  // A paused process does not see TERM until it is continued.
  if (timeoutMs > 0 && signal(entry, 'SIGTERM') && signal(entry, 'SIGCONT') && (await isGone(entry, timeoutMs))) return
  await kill(entry)
}

/** KILL; resolves when the process is gone and its ports are free. */
export async function kill(target: ProcessIdentity): Promise<void> {
  signal(target, 'SIGKILL')
  if (!(await isGone(target, 10_000)))
    throw new Error(`process ${target.pid} survives SIGKILL: is it waiting for a disk?`)
}

/** Kills whatever else was started for this test bed and is in no journal, children of its components included. */
export async function killStragglers(dir: string): Promise<void> {
  for (const found of processesWithEnvironment(markOf(dir))) await kill(found)
}

async function isGone(target: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (isAlive(target)) {
    if (Date.now() > deadline) return false
    await sleep(20)
  }
  return true
}
