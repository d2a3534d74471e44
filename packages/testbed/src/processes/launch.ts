import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { becomesHealthy } from './health.ts'
import { identify, isAlive, markOf } from './identity.ts'
import type { Journal, ProcessEntry, ProcessSpec } from './journal.ts'
import { stop } from './stop.ts'

/** A component did not come up; the message holds the end of its log. */
export class ComponentFailed extends Error {
  constructor(spec: ProcessSpec, what: string, options?: ErrorOptions) {
    const tail = tailOf(spec.log)
    const advice = tail.includes('no space left on device')
      ? `\nThe disk is full: make room, or have KOSMOS_TESTBEDS name a folder on another one`
      : ''
    super(`${spec.id} ${what}; its log ${spec.log} ${tail ? `ends with:\n${tail}` : 'is empty'}${advice}`, options)
    this.name = 'ComponentFailed'
  }
}

/**
 * Starts a component in a session of its own, so that it outlives us, and records it in the journal; one of the same id
 * that still runs is ended before.
 * Resolves when its health probe says yes (or at once when it has none).
 * @throws ComponentFailed when it cannot be executed, exits, or is not healthy within `timeoutMs`.
 */
export async function launch(journal: Journal, spec: ProcessSpec, timeoutMs = 60_000): Promise<ProcessEntry> {
  const earlier = journal.process(spec.id)
  if (earlier) await stop(earlier)
  const entry = await start(journal, spec)
  if (!spec.health) return entry
  if (await becomesHealthy(spec.health, () => isAlive(entry), timeoutMs)) return entry
  throw new ComponentFailed(spec, isAlive(entry) ? `is not healthy after ${timeoutMs / 1000} s` : 'has exited')
}

async function start(journal: Journal, spec: ProcessSpec): Promise<ProcessEntry> {
  const [file, ...args] = spec.argv
  if (!file) throw new ComponentFailed(spec, 'has no command')
  mkdirSync(path.dirname(spec.log), { recursive: true })
  const log = openSync(spec.log, 'a', 0o600)
  const [markName = '', mark = ''] = markOf(journal.dir).split('=')
  try {
    const child = spawn(file, args, {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: spec.cwd ?? journal.dir,
      // GOGC: whoever has memory to spare may spare processors.
      env: { PATH: process.env.PATH, HOME: process.env.HOME, GOGC: process.env.GOGC, ...spec.env, [markName]: mark },
    })
    child.unref()
    const failed = new Promise<Error>((resolve) => child.once('error', resolve))
    const identity = child.pid === undefined ? undefined : identify(child.pid)
    if (!identity) {
      if (child.pid === undefined) throw new ComponentFailed(spec, 'cannot be executed', { cause: await failed })
      throw new ComponentFailed(spec, 'has exited at once')
    }
    const entry: ProcessEntry = { kind: 'process', ...identity, spec }
    journal.add(entry)
    return entry
  } finally {
    closeSync(log)
  }
}

/** Stacks of goroutines, which would hide what went wrong. */
const TRACE = /^(\t|goroutine \d+ \[|created by |[\w./*()@-]+\(.*\)$)/

function tailOf(file: string, lines = 15): string {
  try {
    const all = readFileSync(file, 'utf8').trimEnd().split('\n')
    return all
      .filter((line) => !TRACE.test(line))
      .slice(-lines)
      .join('\n')
  } catch {
    return ''
  }
}
