import type { Cluster } from '@kosmos/api'
import { type Client, secrets } from '@kosmos/kube'
import { Failure } from '../terminal/failure.ts'
import { type OpenCluster, openCluster } from './connect.ts'

/** The kubeconfig by which the controllers reach a leaf. */
export async function storedKubeconfig(root: Client, cluster: Cluster): Promise<string> {
  const { name } = cluster.metadata
  const { kubeconfig, credentialsSecretRef: ref } = cluster.spec
  if (ref === undefined) {
    if (kubeconfig !== undefined) return Buffer.from(kubeconfig, 'base64').toString()
    throw new Failure(`Cluster "${name}" has no credentials`, { next: `kosmosctl join ${name} --kubeconfig LEAF` })
  }
  const secret = await root.get(secrets, { namespace: ref.namespace, name: ref.name })
  const value = secret?.data?.[ref.key]
  if (value === undefined) {
    throw new Failure(`Secret ${ref.namespace}/${ref.name} of Cluster "${name}" has no kubeconfig under "${ref.key}"`, {
      next: `kosmosctl join ${name} --kubeconfig LEAF renews it`,
    })
  }
  return Buffer.from(value, 'base64').toString()
}

/** Opens a leaf with the credentials that the root holds. Close its connection at the end. */
export async function openLeaf(root: Client, cluster: Cluster): Promise<OpenCluster> {
  return await openCluster('leaf', { text: await storedKubeconfig(root, cluster), selfContained: true })
}
