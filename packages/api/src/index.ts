export {
  type Cluster,
  type ClusterManifest,
  clusterKind,
  defaultCluster,
  globalCIDRsOf,
  hasClusterLink,
  hasClusterTree,
  isRootCluster,
  validateCluster,
} from './cluster/cluster.ts'
export {
  type ClusterConditionReason,
  type ClusterConditionType,
  clusterCondition,
  clusterConditions,
} from './cluster/conditions.ts'
export type { ClusterLinkOptions } from './cluster/link-options.ts'
export { leafModelOverlap } from './cluster/overlap.ts'
export type { ClusterSpec, CredentialsSecretRef } from './cluster/spec.ts'
export type { ClusterStatus } from './cluster/status.ts'
export { type ClusterTreeOptions, type LeafModel, leafModelKind } from './cluster/tree-options.ts'
export { type VirtualNodeModel, virtualNodeModels } from './cluster/virtual-nodes.ts'
export { type ClusterLinkPolicy, clusterLinkPolicyKind } from './cluster-link-policy/cluster-link-policy.ts'
export { clusterLinkPolicyCondition } from './cluster-link-policy/conditions.ts'
export type { ClusterLinkPolicySpec } from './cluster-link-policy/spec.ts'
export type { ClusterLinkPolicyStatus } from './cluster-link-policy/status.ts'
export { type ClusterNode, clusterNodeKind, clusterNodeName } from './cluster-node/cluster-node.ts'
export type { ClusterNodeSpec } from './cluster-node/spec.ts'
export { customResourceDefinition } from './crd.ts'
export {
  type DistributionPolicyConditionReason,
  distributionPolicyCondition,
} from './distribution-policy/conditions.ts'
export {
  type ClusterDistributionPolicy,
  clusterDistributionPolicyKind,
  type DistributionPolicy,
  defaultDistributionPolicy,
  distributionPolicyKind,
  distributionPolicyProblems,
} from './distribution-policy/distribution-policy.ts'
export type { DistributionPolicySpec, PolicyTerm, ResourceSelector } from './distribution-policy/spec.ts'
export type { DistributionPolicyStatus } from './distribution-policy/status.ts'
export * from './names.ts'
export {
  type NodeConfigConditionReason,
  type NodeConfigConditionType,
  nodeConfigCondition,
} from './node-config/conditions.ts'
export { type NodeConfig, nodeConfigKind } from './node-config/node-config.ts'
export type {
  LinkArp,
  LinkDetour,
  LinkDevice,
  LinkFdb,
  LinkIpsecPeer,
  LinkKeys,
  LinkMasquerade,
  LinkPeer,
  LinkRoute,
  LinkTranslation,
  NodeConfigSpec,
} from './node-config/spec.ts'
export type { NextHopStatus, NodeConfigStatus, UnderlayStatus } from './node-config/status.ts'
export { type PolicyIndex, policyIndexKind } from './policy-index/policy-index.ts'
export type { DistributionIndexEntry, PolicyIndexEntry, PolicyIndexSpec } from './policy-index/spec.ts'
export { type Condition, type NewCondition, withCondition } from './schema/condition.ts'
export { type Endpoint, parseEndpoint } from './schema/endpoint.ts'
export type { Kind } from './schema/kind.ts'
export type { ObjectMeta } from './schema/metadata.ts'
export type { Problem } from './schema/problem.ts'
export {
  type WorkloadPolicyConditionReason,
  workloadPolicyCondition,
  workloadPolicyConditions,
} from './workload-policy/conditions.ts'
export type { Allocation, WorkloadPolicySpec } from './workload-policy/spec.ts'
export type { AllocationStatus, RefusalStatus, WorkloadPolicyStatus } from './workload-policy/status.ts'
export {
  defaultWorkloadPolicy,
  type WorkloadPolicy,
  workloadPolicyKind,
  workloadPolicyProblems,
} from './workload-policy/workload-policy.ts'
