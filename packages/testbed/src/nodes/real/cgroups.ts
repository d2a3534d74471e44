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

/** What the kubelet insists on (libcontainer and pkg/kubelet/cm, cgroup_manager_linux.go). */
const required = ['cpu', 'cpuset', 'memory', 'pids']

/** With v2, children have only the controllers that their parent hands down. */
function delegate(dir: string): void {
  const file = (name: string): string => path.join(dir, name)
  if (!existsSync(file('cgroup.controllers'))) return
  const words = (name: string): string[] => readFileSync(file(name), 'utf8').trim().split(' ').filter(Boolean)
  const available = words('cgroup.controllers')
  for (const controller of available) {
    try {
      writeFileSync(file('cgroup.subtree_control'), `+${controller}`)
    } catch {
      // Some cannot be handed down everywhere; whether one of those is needed shows next.
    }
  }
  const handedDown = words('cgroup.subtree_control')
  const lacking = required.filter((controller) => available.includes(controller) && !handedDown.includes(controller))
  if (lacking.length > 0) {
    throw new Error(
      `the cgroup ${dir} does not hand down ${lacking.join(', ')}, which nodes need: in a container, its processes have to leave this cgroup first`,
    )
  }
}
