import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Journal } from '../../processes/journal.ts'
import { cgroupName } from './naming.ts'
import type { NodePlan } from './plan.ts'

/** Mount points of all cgroup hierarchies (many with v1, one with v2), from the text of `/proc/self/mountinfo`. */
export function hierarchies(mountinfo: string): string[] {
  return mountinfo.split('\n').flatMap((text) => {
    const [before = '', after = ''] = text.split(' - ')
    const point = before.split(' ')[4]
    return point && /^cgroup2? /.test(after) ? [point] : []
  })
}

/**
 * Creates the cgroup below which the kubelet of each node puts all pods. It is how `down` finds every container of the
 * test bed: their processes are no children of ours.
 */
export function createCgroups(journal: Journal, nodes: readonly NodePlan[]): void {
  for (const root of hierarchies(readFileSync('/proc/self/mountinfo', 'utf8'))) {
    const ours = path.join(root, cgroupName(journal.dir))
    journal.add({ kind: 'cgroup', path: ours })
    create(ours, root)
    for (const node of nodes) create(path.join(root, node.cgroup), ours)
  }
}

function create(dir: string, parent: string): void {
  delegate(parent)
  mkdirSync(dir, { recursive: true })
  delegate(dir)
  // With v1, a new cpuset holds nothing and no process may enter it.
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (!existsSync(path.join(dir, 'cgroup.controllers')) && existsSync(path.join(dir, file))) {
      writeFileSync(path.join(dir, file), readFileSync(path.join(parent, file)))
    }
  }
}

/** With v2, children have only the controllers that their parent hands down. */
function delegate(dir: string): void {
  const controllers = path.join(dir, 'cgroup.controllers')
  if (!existsSync(controllers)) return
  const available = readFileSync(controllers, 'utf8').trim().split(' ').filter(Boolean)
  if (available.length > 0)
    writeFileSync(path.join(dir, 'cgroup.subtree_control'), available.map((c) => `+${c}`).join(' '))
}
