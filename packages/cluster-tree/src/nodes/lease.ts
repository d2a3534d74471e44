import { type Client, leases, type Node } from '@kosmos/kube'

/** Namespace and duration as a kubelet's node Lease has them (KEP-589). */
const NAMESPACE = 'kube-node-lease'
const DURATION_SECONDS = 40

/** Says that the node lives. One request while the Lease exists; it is owned by its Node and goes with it. */
export async function renewNodeLease(client: Client, node: Node, now = new Date()): Promise<void> {
  const ref = { namespace: NAMESPACE, name: node.metadata.name }
  const spec = {
    holderIdentity: node.metadata.name,
    leaseDurationSeconds: DURATION_SECONDS,
    // A MicroTime has six digits.
    renewTime: now.toISOString().replace('Z', '000Z'),
  }
  const renewed = await client.patch(leases, ref, { spec }, { type: 'merge' })
  if (renewed.ok) return
  if (renewed.reason !== 'NotFound') throw new Error(`Lease of node ${ref.name}: ${renewed.status.message}`)
  const { uid, name } = node.metadata
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }]
  const created = await client.create(leases, { metadata: { ...ref, ownerReferences }, spec } as object)
  if (!created.ok && created.reason !== 'AlreadyExists') {
    throw new Error(`Lease of node ${ref.name}: ${created.status.message}`)
  }
}
