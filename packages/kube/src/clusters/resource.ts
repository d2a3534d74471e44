import { apiVersion, type Cluster, clusterKind } from '@kosmos/api'
import { resource } from '../objects/resources.ts'

/** A Cluster as the root returned it. */
export type StoredCluster = Cluster & {
  metadata: { name: string; uid: string; resourceVersion: string }
}

export const clusters = resource<StoredCluster>(apiVersion, 'Cluster', clusterKind.plural, 'Cluster')
