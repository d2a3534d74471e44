import { createHash } from 'node:crypto'

/** Eight hex digits that tell test beds on one machine apart: a hash of the folder, which only one test bed has. */
export function shortHash(dir: string): string {
  return createHash('sha256').update(dir).digest('hex').slice(0, 8)
}

/** The test bed's link in the host's namespace; the kernel allows 15 characters. */
export function uplinkName(dir: string): string {
  return `kosmos${shortHash(dir)}`
}

/** The parent of every container's cgroup, below each hierarchy. */
export function cgroupName(dir: string): string {
  return `kosmos-${shortHash(dir)}`
}
