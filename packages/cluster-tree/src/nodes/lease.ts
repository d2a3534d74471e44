import { type Client, leases, microTime, type Node } from '@kosmos/kube'

/** Namespace and duration as a kubelet's node Lease has them (KEP-589). */
const NAMESPACE = 'kube-node-lease'
const DURATION_SECONDS = 40

/** Says that the node lives. One request while the Lease exists. */
export async function renewNodeLease(client: Client, node: Node, now = new Date()): Promise<void> {
  const { name } = node.metadata
  const renewed = await client.patch(
    leases,
    { namespace: NAMESPACE, name },
    { spec: specOf(node, now) },
    { type: 'merge' },
  )
  if (renewed.ok) return
  if (renewed.reason !== 'NotFound') throw new Error(`Lease of node ${name}: ${renewed.status.message}`)
  await create(client, node, now)
}

/** Says that a new node lives: without asking whether one of its name left a Lease. */
export async function createNodeLease(client: Client, node: Node, now = new Date()): Promise<void> {
  if (!(await create(client, node, now))) await renewNodeLease(client, node, now)
}

/** It is owned by its Node and goes with it. Returns whether it was made: another may have made it. */
async function create(client: Client, node: Node, now: Date): Promise<boolean> {
  const { uid, name } = node.metadata
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }]
  const manifest = { metadata: { namespace: NAMESPACE, name, ownerReferences }, spec: specOf(node, now) }
  const created = await client.create(leases, manifest as object)
  if (!created.ok && created.reason !== 'AlreadyExists') {
    throw new Error(`Lease of node ${name}: ${created.status.message}`)
  }
  return created.ok
}

function specOf({ metadata: { name } }: Node, now: Date) {
  return { holderIdentity: name, leaseDurationSeconds: DURATION_SECONDS, renewTime: microTime(now) }
}
