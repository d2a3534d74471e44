import { readFileSync, writeFileSync } from 'node:fs'

const file = '/proc/sys/fs/inotify/max_user_instances'
const enough = 8192

/**
 * Allows more file watchers than the 128 a user that many kernels come with: a control plane takes 13, a real node 9
 * more, and whoever finds none left exits. Stays until the machine restarts; without the right to it, nothing happens.
 */
export function allowFileWatchers(): void {
  try {
    if (Number(readFileSync(file, 'utf8')) < enough) writeFileSync(file, String(enough))
  } catch {
    // Not root, or a read-only /proc/sys: a few clusters fit anyway.
  }
}
