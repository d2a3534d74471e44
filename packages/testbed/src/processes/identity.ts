import { readdirSync, readFileSync } from 'node:fs'

/** A pid alone may be reused; with its start time (clock ticks since boot, field 22 of proc(5) stat) it names one process. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTime: number
}

interface Stat extends ProcessIdentity {
  readonly state: string
}

/** Parses `/proc/PID/stat`; the command name in parentheses may itself hold spaces and parentheses. */
export function parseStat(text: string): Stat | undefined {
  const close = text.lastIndexOf(')')
  const fields = text.slice(close + 2).split(' ')
  const pid = Number.parseInt(text, 10)
  const state = fields[0]
  const startTime = Number(fields[19])
  if (close < 0 || !state || !Number.isInteger(pid) || !Number.isInteger(startTime)) return undefined
  return { pid, state, startTime }
}

function statOf(pid: number | string): Stat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** The identity of a running process; undefined when there is none, or only a zombie that nobody reaped. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = statOf(pid)
  if (!stat || stat.state === 'X' || (stat.state === 'Z' && tasksOf(pid).length <= 1)) return undefined
  return { pid, startTime: stat.startTime }
}

/** The first thread of a killed process becomes a zombie while others still hold its sockets. */
function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startTime === process.startTime
}

/** Sends a signal to exactly this process; false when it is gone (or its pid belongs to another one by now). */
export function signal(target: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(target)) return false
  try {
    return process.kill(target.pid, name)
  } catch {
    return false
  }
}

/** Whether every thread of the process stands still: SIGSTOP is sent at once, but a busy machine may stop threads later. */
export function isStopped(target: ProcessIdentity): boolean {
  const threads = tasksOf(target.pid).map((task) => statOf(`${target.pid}/task/${task}`))
  return threads.length > 0 && threads.every((stat) => stat?.state === 'T')
}

/** Every process of a test bed carries its folder in this variable, so that even one nobody recorded is found again. */
export const markOf = (dir: string): string => `KOSMOS_TESTBED_DIR=${dir}`

/** Every process that was started with `variable` (`NAME=value`) in its environment, found through `/proc`. */
export function processesWithEnvironment(variable: string): ProcessIdentity[] {
  const found: ProcessIdentity[] = []
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(variable)) continue
    } catch {
      continue
    }
    const identity = identify(pid)
    if (identity) found.push(identity)
  }
  return found
}
