import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, type Node, nodes } from '@kosmos/kube'

/** A process that follows one which was killed has to wait for its Lease. */
const withinMs = 60_000

/**
 * Resolves when something listens where each Node says that its kubelet does. After a kill the Nodes are Ready for a while by
 * the word of the process that is gone, and logs and exec fail. @throws after a minute, with the Nodes that are left
 */
export async function kubeletsListen(root: Client, virtualNodes: readonly string[]): Promise<void> {
  const until = Date.now() + withinMs
  const silent = async (name: string) => !(await listens(await root.get(nodes, { name })))
  for (;;) {
    const states = await Promise.all(virtualNodes.map(silent))
    const left = virtualNodes.filter((_, index) => states[index])
    if (left.length === 0) return
    if (Date.now() > until)
      throw new Error(`nothing listens at the kubelet port of ${left.join(', ')}: see the log of cluster-tree`)
    await sleep(200)
  }
}

async function listens(node: Node | undefined): Promise<boolean> {
  const host = node?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
  const port = node?.status?.daemonEndpoints?.kubeletEndpoint?.Port
  if (host === undefined || port === undefined) return false
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
