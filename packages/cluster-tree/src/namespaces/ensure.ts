import { rootClusterLabel } from '@kosmos/api'
import { type Client, namespaces } from '@kosmos/kube'

/** Makes a namespace in the leaf, marked as made by us; one that is there already stays as it is and is nobody's. */
export async function ensureNamespace(leaf: Client, name: string, rootClusterId: string): Promise<void> {
  const outcome = await leaf.create(namespaces, {
    metadata: { name, labels: { [rootClusterLabel]: rootClusterId } },
  })
  if (!outcome.ok && outcome.reason !== 'AlreadyExists') {
    throw new Error(`${leaf.name}: namespace ${name} cannot be created: ${outcome.status.message}`)
  }
}
