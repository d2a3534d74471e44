import { existsSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from '../../processes/identity.ts'
import type { Journal, ProcessEntry } from '../../processes/journal.ts'
import { ComponentFailed, launch } from '../../processes/launch.ts'

export type Namespace = 'mount' | 'net' | 'uts'

/** What makes a process's surroundings a node. */
export const nodeNamespaces: readonly Namespace[] = ['mount', 'net', 'uts']

export interface AnchorInput {
  readonly id: string
  readonly namespaces: readonly Namespace[]
  /** Lines of a shell script that run in the new namespaces before they count as ready. */
  readonly setup: readonly string[]
  /** A file whose existence says that the set-up is done. */
  readonly readyFile: string
  readonly log: string
}

/**
 * Starts a process that does nothing but keep namespaces alive. They have no name anywhere in the file system, so the
 * kernel removes them, with every link and mount in them, once their last process has ended, however that came about.
 * @throws ComponentFailed when a line of the set-up fails
 */
export async function startAnchor(journal: Journal, input: AnchorInput): Promise<ProcessEntry> {
  rmSync(input.readyFile, { force: true })
  const script = ['set -eu', ...input.setup, `: > "$0"`, 'exec sleep infinity'].join('\n')
  const spec = {
    id: input.id,
    argv: [
      'unshare',
      ...input.namespaces.map((n) => `--${n}`),
      ...(input.namespaces.includes('mount') ? ['--propagation', 'private'] : []),
      '--',
      'sh',
      '-c',
      script,
      input.readyFile,
    ],
    env: { PATH: systemPath(process.env.PATH) },
    log: input.log,
  }
  const entry = await launch(journal, spec)
  while (!existsSync(input.readyFile)) {
    if (!isAlive(entry)) throw new ComponentFailed(spec, 'could not set up its namespaces')
    await sleep(10)
  }
  return entry
}

/** The command that runs another in the namespaces that an anchor keeps, with the pid of the command itself. */
export function enter(anchorPid: number, namespaces: readonly Namespace[]): string[] {
  return ['nsenter', `--target=${anchorPid}`, ...namespaces.map((n) => `--${n}`), '--']
}

/** A search path that has the system administrator's commands, which a user's path may lack. */
export function systemPath(inherited = ''): string {
  const folders = [
    ...inherited.split(':'),
    '/usr/local/sbin',
    '/usr/local/bin',
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
  ]
  return [...new Set(folders.filter((f) => f !== ''))].join(':')
}
