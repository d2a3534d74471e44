import { type Client, type KubeObject, type Outcome, resource } from '@kosmos/kube'

const clusters = resource('kosmos.io/v1alpha1', 'Cluster', 'clusters', 'Cluster')

/** Sets fields of a Cluster's spec.clusterTreeOptions, as `kubectl patch` does. */
export async function setTreeOptions(
  root: Client,
  name: string,
  clusterTreeOptions: object,
): Promise<Outcome<KubeObject>> {
  return await root.patch(clusters, { name }, { spec: { clusterTreeOptions } }, { type: 'merge' })
}
