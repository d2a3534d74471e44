import { apiVersion, type ClusterNode, clusterNodeKind, type NodeConfig, nodeConfigKind } from '@kosmos/api'
import { type KubeObject, resource, type Stored } from '@kosmos/kube'

export type StoredClusterNode = ClusterNode & { metadata: Stored<KubeObject>['metadata'] }
export type StoredNodeConfig = NodeConfig & { metadata: Stored<KubeObject>['metadata'] }

export const clusterNodes = resource<StoredClusterNode>(
  apiVersion,
  clusterNodeKind.kind,
  clusterNodeKind.plural,
  clusterNodeKind.scope,
)

export const nodeConfigs = resource<StoredNodeConfig>(
  apiVersion,
  nodeConfigKind.kind,
  nodeConfigKind.plural,
  nodeConfigKind.scope,
)

/** KEP-1880, GA in Kubernetes 1.33. */
export interface ServiceCIDR extends Stored<KubeObject> {
  readonly spec: { readonly cidrs: readonly string[] }
}

export const serviceCIDRs = resource<ServiceCIDR>('networking.k8s.io/v1', 'ServiceCIDR', 'servicecidrs', 'Cluster')
