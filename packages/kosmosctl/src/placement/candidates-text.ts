import type { Candidate } from '@kosmos/scheduler'
import { table } from '../output/table.ts'

/** So many are enough to see why the first one is. */
const MOST = 10

/** Nodes that would take a pod, the best first, for people. */
export function candidatesText(candidates: readonly Candidate[]): string {
  const rows = candidates
    .slice(0, MOST)
    .map(({ node, hasRoom, priority, isOwn, fit }) => [
      node,
      hasRoom ? 'yes' : 'no',
      String(priority),
      isOwn ? 'root' : 'leaf',
      hasRoom ? String(fit) : '',
    ])
  const more = candidates.length > MOST ? [`and ${candidates.length - MOST} more`] : []
  return [table(['node', 'room', 'priority', 'of the', 'fit'], rows), ...more].join('\n')
}
