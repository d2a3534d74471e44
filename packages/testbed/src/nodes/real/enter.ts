import { isAlive } from '../../processes/identity.ts'
import type { Journal } from '../../processes/journal.ts'
import { enter, type Namespace, nodeNamespaces } from './anchor.ts'

/**
 * The command that runs another as if on a real node: `[...enterNode(journal, 'leaf1', 'leaf1-node-1'), 'ip', 'route']`.
 * @param namespaces which of the node's; with `net` alone, files are the host's
 * @throws when the test bed has no such node, or it has ended
 */
export function enterNode(
  journal: Journal,
  cluster: string,
  node: string,
  namespaces: readonly Namespace[] = nodeNamespaces,
): string[] {
  const anchor = journal.process(`${cluster}/${node}/namespaces`)
  if (!anchor) throw new Error(`cluster ${cluster} has no real node ${node}`)
  if (!isAlive(anchor)) throw new Error(`node ${node} has ended: start the test bed again`)
  return enter(anchor.pid, namespaces)
}
