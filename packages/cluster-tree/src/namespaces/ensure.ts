import { rootClusterLabel } from '@kosmos/api'
import { type Client, type Namespace, namespaces, type Outcome } from '@kosmos/kube'

/** How a namespace came to be there, or what the leaf said. */
export type NamespaceOutcome = 'created' | 'present' | Extract<Outcome<Namespace>, { ok: false }>

/** Makes a namespace in the leaf, marked as made by us; one that is there already stays as it is and is nobody's. */
export async function ensureNamespace(leaf: Client, name: string, rootClusterId: string): Promise<NamespaceOutcome> {
  const outcome = await leaf.create(namespaces, {
    metadata: { name, labels: { [rootClusterLabel]: rootClusterId } },
  })
  if (outcome.ok) return 'created'
  return outcome.reason === 'AlreadyExists' ? 'present' : outcome
}
