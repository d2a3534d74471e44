import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs a script in a process group of its own, to which the terminal's Ctrl-C does not get: whoever started it ends it and
 * all that it runs (compilers, downloads, apt-get) by {@link endGroup}, and then knows that nothing more is being made.
 * The script gets no input, and learns by 'disconnect' that we have ended.
 */
export function runKillable(script: string): ChildProcess {
  return fork(script, { detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

/** INT, at which apt-get lets its package manager finish, then KILL; resolves when no process of the group is left. */
export async function endGroup(leader: ChildProcess, graceMs = 20_000): Promise<void> {
  const deadline = Date.now() + graceMs
  let signal: NodeJS.Signals | 0 = 'SIGINT'
  while (signalGroup(leader, signal)) {
    signal = Date.now() > deadline ? 'SIGKILL' : 0
    await sleep(50)
  }
  if (leader.exitCode === null && leader.signalCode === null) await once(leader, 'exit')
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}
