import {
  apiVersion,
  type ClusterLinkPolicy,
  type ClusterNode,
  clusterLinkPolicyKind,
  clusterNodeKind,
  type NodeConfig,
  nodeConfigKind,
} from '@kosmos/api'
import { type KubeObject, resource, type Stored } from '@kosmos/kube'
import type { PlugInObject, ServiceCIDR } from '../discover/sources/objects.ts'

export type StoredLinkPolicy = ClusterLinkPolicy & { metadata: Stored<KubeObject>['metadata'] }
export type StoredClusterNode = ClusterNode & { metadata: Stored<KubeObject>['metadata'] }
export type StoredNodeConfig = NodeConfig & { metadata: Stored<KubeObject>['metadata'] }

export const clusterLinkPolicies = resource<StoredLinkPolicy>(
  apiVersion,
  clusterLinkPolicyKind.kind,
  clusterLinkPolicyKind.plural,
  clusterLinkPolicyKind.scope,
)

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

export const serviceCIDRs = resource<ServiceCIDR>('networking.k8s.io/v1', 'ServiceCIDR', 'servicecidrs', 'Cluster')

const calico = ['crd.projectcalico.org/v1', 'projectcalico.org/v3'] as const
export const ipPools = calico.map((group) => resource<PlugInObject>(group, 'IPPool', 'ippools', 'Cluster'))
export const blockAffinities = calico.map((group) =>
  resource<PlugInObject>(group, 'BlockAffinity', 'blockaffinities', 'Cluster'),
)
export const ipamBlocks = calico.map((group) => resource<PlugInObject>(group, 'IPAMBlock', 'ipamblocks', 'Cluster'))
export const ciliumNodes = resource<PlugInObject>('cilium.io/v2', 'CiliumNode', 'ciliumnodes', 'Cluster')
