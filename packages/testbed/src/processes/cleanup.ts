import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Cleanup } from './journal.ts'
import { detachBelow } from './loop-devices.ts'

const run = promisify(execFile)

/** Undoes one recorded resource. What is already gone counts as undone; anything else that fails throws. */
export async function undo(entry: Cleanup): Promise<void> {
  switch (entry.kind) {
    case 'netns':
      return remove(['ip', 'netns', 'delete', entry.name])
    case 'link':
      return remove(['ip', ...(entry.netns ? ['-n', entry.netns] : []), 'link', 'delete', entry.name])
    case 'nft-table':
      return remove(['nft', 'delete', 'table', entry.family, entry.name])
    case 'mounts':
      return unmountBelow(entry.path)
    case 'loop-devices':
      return detachBelow(entry.path)
    case 'cgroup':
      return removeCgroup(entry.path)
    case 'directory':
      return rmSync(entry.path, { recursive: true, force: true })
  }
}

const absent = /No such file or directory|Cannot find device|does not exist|Cannot open network namespace/

async function remove([file = '', ...args]: string[]): Promise<void> {
  try {
    await run(file, args)
  } catch (error) {
    if (!(error instanceof Error && absent.test(error.message))) throw error
  }
}

/** Mount points at or below `root`, deepest first, from the text of `/proc/self/mountinfo` (field 5, octal escapes). */
export function mountsBelow(mountinfo: string, root: string): string[] {
  return mountinfo
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8))),
    )
    .filter((point) => point === root || point.startsWith(`${root}/`))
    .reverse()
}

async function unmountBelow(root: string): Promise<void> {
  for (const point of mountsBelow(readFileSync('/proc/self/mountinfo', 'utf8'), root)) {
    await run('umount', ['-l', point])
  }
}

async function removeCgroup(dir: string): Promise<void> {
  let children: string[]
  try {
    children = readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
      e.isDirectory() ? [path.join(dir, e.name)] : [],
    )
  } catch {
    return
  }
  for (const child of children) await removeCgroup(child)
  const deadline = Date.now() + 10_000
  for (;;) {
    const pids = readFileSync(path.join(dir, 'cgroup.procs'), 'utf8')
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0)
    for (const pid of pids) killQuietly(pid)
    try {
      return rmdirSync(dir)
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(50)
    }
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended between reading the list and now.
  }
}
