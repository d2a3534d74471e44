import { type Client, type Heartbeat, type Node, renewHeartbeat, startHeartbeat } from '@kosmos/kube'

/** Says that the node lives. One request while the Lease exists. */
export async function renewNodeLease(client: Client, node: Node, now = new Date()): Promise<void> {
  await renewHeartbeat(client, heartbeatOf(node), { now })
}

/** Says that a new node lives: without asking whether one of its name left a Lease. */
export async function createNodeLease(client: Client, node: Node, now = new Date()): Promise<void> {
  await startHeartbeat(client, heartbeatOf(node), { now })
}

/** Namespace and duration as a kubelet's node Lease has them (KEP-589). It is owned by its Node and goes with it. */
function heartbeatOf({ metadata: { name, uid } }: Node): Heartbeat {
  const owner = { apiVersion: 'v1', kind: 'Node', name, uid }
  return { namespace: 'kube-node-lease', name, holder: name, durationSeconds: 40, owner }
}
