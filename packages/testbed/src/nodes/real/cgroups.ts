import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Journal } from '../../processes/journal.ts'
import { cgroupName } from './naming.ts'

/** Mount points of all cgroup hierarchies (many with v1, one with v2), from the text of `/proc/self/mountinfo`. */
export function hierarchies(mountinfo: string): string[] {
  return mountinfo.split('\n').flatMap((text) => {
    const [before = '', after = ''] = text.split(' - ')
    const point = before.split(' ')[4]
    return point && /^cgroup2? /.test(after) ? [point] : []
  })
}

/** Makes `down` end every container of the test bed: they are no children of ours, but all live in this cgroup. */
export function recordCgroups(journal: Journal): void {
  for (const root of hierarchies(readFileSync('/proc/self/mountinfo', 'utf8'))) {
    journal.add({ kind: 'cgroup', path: path.join(root, cgroupName(journal.dir)) })
  }
}
