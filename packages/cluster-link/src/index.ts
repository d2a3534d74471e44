export { silentSince } from './control/cluster-nodes/cluster-node.ts'
export { linkNetwork } from './control/plans/link-network.ts'
export {
  clusterLinkPolicies,
  clusterNodes,
  nodeConfigs,
  type StoredClusterNode,
  type StoredLinkPolicy,
  type StoredNodeConfig,
} from './control/resources.ts'

export { detoursOf } from './model/detours.ts'
export { devices } from './model/names.ts'
export type { LinkCluster, LinkNetwork, LinkNode, Tunnel } from './model/network.ts'
export { Forwarding, type Trip, type TunnelHop } from './plan/forward.ts'
export { type Pair, pairsOf } from './plan/pairs.ts'
export { planNode } from './plan/plan-node.ts'
export { tunnelBetween } from './plan/roles.ts'
export { translatedByGateways } from './plan/translators.ts'
export { type Overlap, overlapsIn, podNetworksOf } from './plan/visible.ts'
export { serviceExports, serviceImports } from './services/resources.ts'
