import { apiVersion, type Cluster, clusterKind } from '@kosmos/api'
import { resource, type Stored } from '@kosmos/kube'

export type StoredCluster = Stored<Cluster>

export const clusters = resource<StoredCluster>(apiVersion, 'Cluster', clusterKind.plural, 'Cluster')
