import { ownedByClusterAnnotation, systemNamespace } from '@kosmos/api'
import { type Client, clusters, isGone, type StoredCluster, secrets } from '@kosmos/kube'

/** The Secret that an inline kubeconfig is moved to. */
export const credentialsSecretName = (cluster: string): string => `cluster-${cluster}`

/**
 * Moves `spec.kubeconfig`, as the original Kosmos had it, into a Secret and clears it: a kubeconfig in a Cluster can be
 * read by whoever may read Clusters. The Secret is written first, so that a crash in between loses nothing.
 */
export async function moveInlineKubeconfig(root: Client, cluster: StoredCluster): Promise<string> {
  const { name, uid, resourceVersion } = cluster.metadata
  const secret = { namespace: systemNamespace, name: credentialsSecretName(name) }
  const present = await root.get(secrets, secret)
  if (present && present.metadata.annotations?.[ownedByClusterAnnotation] !== name) {
    throw new Error(
      `Secret ${secret.namespace}/${secret.name} exists and is not of Cluster ${name}: rename or delete it`,
    )
  }
  const stored = await root.apply(secrets, {
    metadata: { ...secret, annotations: { [ownedByClusterAnnotation]: name } },
    type: 'Opaque',
    data: { kubeconfig: cluster.spec.kubeconfig },
  } as object)
  if (!stored.ok)
    throw new Error(`Secret ${secret.namespace}/${secret.name} cannot be stored: ${stored.status.message}`)
  const credentialsSecretRef = { namespace: secret.namespace, name: secret.name, key: 'kubeconfig' }
  const cleared = await root.patch(
    clusters,
    { name },
    { metadata: { uid, resourceVersion }, spec: { kubeconfig: null, credentialsSecretRef } },
    { type: 'merge' },
  )
  if (!cleared.ok) throw new Error(`Cluster ${name}: spec.kubeconfig cannot be cleared: ${cleared.status.message}`)
  return `${secret.namespace}/${secret.name}`
}

/** Deletes the Secret that an inline kubeconfig was moved to, if there is one; a Secret that somebody else made stays. */
export async function removeMovedKubeconfig(root: Client, cluster: StoredCluster): Promise<void> {
  const { name } = cluster.metadata
  const ref = { namespace: systemNamespace, name: credentialsSecretName(name) }
  const present = await root.get(secrets, ref)
  if (present?.metadata.annotations?.[ownedByClusterAnnotation] !== name) return
  const outcome = await root.delete(secrets, ref, { uid: present.metadata.uid })
  if (outcome.ok || isGone(outcome)) return
  throw new Error(`Secret ${ref.namespace}/${ref.name} cannot be deleted: ${outcome.status.message}`)
}
