export {
  type Cluster,
  type ClusterManifest,
  clusterKind,
  defaultCluster,
  hasClusterTree,
  isRootCluster,
  validateCluster,
} from './cluster/cluster.ts'
export {
  type ClusterConditionReason,
  type ClusterConditionType,
  clusterCondition,
  clusterConditions,
  type NewClusterCondition,
  withCondition,
} from './cluster/conditions.ts'
export type { ClusterLinkOptions } from './cluster/link-options.ts'
export { leafModelOverlap } from './cluster/overlap.ts'
export type { ClusterSpec, CredentialsSecretRef } from './cluster/spec.ts'
export type { ClusterCondition, ClusterStatus } from './cluster/status.ts'
export { type ClusterTreeOptions, type LeafModel, leafModelKind } from './cluster/tree-options.ts'
export { type VirtualNodeModel, virtualNodeModels } from './cluster/virtual-nodes.ts'
export { customResourceDefinition } from './crd.ts'
export * from './names.ts'
export type { ObjectMeta } from './schema/metadata.ts'
export type { Problem } from './schema/problem.ts'
