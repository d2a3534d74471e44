import { type Client, namespaces } from '@kosmos/kube'

/** A cluster's id: the uid of its kube-system namespace. Throws ApiError or ClusterUnreachable. */
export async function clusterId(client: Client): Promise<string> {
  const namespace = await client.get(namespaces, { name: 'kube-system' })
  if (namespace === undefined) throw new Error(`${client.name}: it has no namespace kube-system, by which it is known`)
  return namespace.metadata.uid
}
