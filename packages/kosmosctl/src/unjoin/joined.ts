import { systemNamespace } from '@kosmos/api'
import { type Client, type Secret, secrets } from '@kosmos/kube'
import { type OpenCluster, openCluster } from '../clusters/connect.ts'
import { clusterId } from '../clusters/identity.ts'
import { openLeaf } from '../clusters/leaf.ts'
import { credentialsSecretName, leafIdAnnotation, managedBy, managedByLabel } from '../clusters/names.ts'
import { clusters } from '../clusters/resources.ts'
import { explain } from '../terminal/explain.ts'
import { Failure } from '../terminal/failure.ts'
import type { UnjoinOptions } from './options.ts'

export type StoredCluster = NonNullable<typeof clusters.objectType>

/** What join made for this name; the Cluster may be gone already when an unjoin is run again. */
export async function findJoined(root: Client, name: string) {
  const [rootId, cluster, secret] = await Promise.all([
    clusterId(root),
    root.get(clusters, { name }),
    root.get(secrets, { namespace: systemNamespace, name: credentialsSecretName(name) }),
  ])
  const ourSecret = secret?.metadata.labels?.[managedByLabel] === managedBy ? secret : undefined
  if (cluster === undefined && ourSecret === undefined) {
    const known = (await root.listAll(clusters)).map(({ metadata }) => metadata.name)
    throw new Failure(`there is no Cluster "${name}"`, {
      next: known.length > 0 ? `there are: ${known.join(', ')}` : 'no cluster is joined to this root',
    })
  }
  if (cluster !== undefined && cluster.metadata.annotations?.[leafIdAnnotation] === undefined) {
    throw new Failure(`Cluster "${name}" was not made by kosmosctl join, so unjoin does not touch it`, {
      next: `whoever made it removes it: kubectl delete cluster.kosmos.io ${name}`,
    })
  }
  return { rootId, cluster, secret: ourSecret }
}

/** Opens the leaf if it answers and is the one that was joined. */
export async function reachLeaf(
  root: Client,
  cluster: StoredCluster | undefined,
  secret: Secret | undefined,
  options: UnjoinOptions,
): Promise<{ leaf: OpenCluster; why: '' } | { leaf: undefined; why: string }> {
  let leaf: OpenCluster | undefined
  try {
    if (options.leaf !== undefined) leaf = await openCluster('leaf', options.leaf)
    else if (cluster !== undefined) leaf = await openLeaf(root, cluster)
    else leaf = await openCluster('leaf', { text: kubeconfigOf(secret), selfContained: true })
    const id = await clusterId(leaf.client)
    const expected = cluster?.metadata.annotations?.[leafIdAnnotation] ?? id
    if (id !== expected) throw new Failure(`${leaf.server} is another cluster than the one that was joined`)
    return { leaf, why: '' }
  } catch (error) {
    await leaf?.client.connection.close()
    return { leaf: undefined, why: explain(error).message }
  }
}

function kubeconfigOf(secret: Secret | undefined): string {
  return Buffer.from(secret?.data?.kubeconfig ?? '', 'base64').toString()
}
