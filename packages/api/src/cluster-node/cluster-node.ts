import { apiGroup, apiVersion } from '../names.ts'
import type { Kind } from '../schema/kind.ts'
import type { ObjectMeta } from '../schema/metadata.ts'
import { type ClusterNodeSpec, clusterNodeSpec } from './spec.ts'
import { type ClusterNodeStatus, clusterNodeStatus } from './status.ts'

/** A node of a linked cluster, as the root knows it. */
export interface ClusterNode {
  apiVersion: typeof apiVersion
  kind: 'ClusterNode'
  metadata: ObjectMeta
  spec: ClusterNodeSpec
  status?: ClusterNodeStatus
}

/** The name of the ClusterNode of a node, and of its NodeConfig. */
export function clusterNodeName(cluster: string, node: string): string {
  return `${cluster}-${node}`
}

export const clusterNodeKind: Kind = {
  group: apiGroup,
  version: apiVersion.slice(apiGroup.length + 1),
  kind: 'ClusterNode',
  plural: 'clusternodes',
  singular: 'clusternode',
  categories: ['kosmos-io'],
  scope: 'Cluster',
  description: 'A node of a cluster that ClusterLink connects.',
  spec: clusterNodeSpec,
  status: clusterNodeStatus,
  rules: [],
  columns: [
    { name: 'Cluster', type: 'string', jsonPath: '.spec.clusterName', description: 'The Cluster.' },
    { name: 'Roles', type: 'string', jsonPath: '.spec.roles', description: 'Whether it is a gateway.' },
    {
      name: 'Interface',
      type: 'string',
      jsonPath: '.spec.interfaceName',
      description: 'The interface of its tunnels.',
    },
    { name: 'IP', type: 'string', jsonPath: '.spec.ip', description: 'Its IPv4 address.' },
    {
      name: 'Applied',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Applied")].status',
      description: 'Whether the node has the devices and routes that it should.',
    },
    {
      name: 'Reachable',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="NextHopsReachable")].status',
      description: 'Whether the other ends answer through the tunnels.',
    },
    { name: 'IP6', type: 'string', jsonPath: '.spec.ip6', description: 'Its IPv6 address.', wide: true },
    {
      name: 'Keys',
      type: 'date',
      jsonPath: '.spec.keysRequestedAt',
      description: 'How long ago its keys were asked for; empty: they are its first ones.',
      wide: true,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since when it is known.' },
  ],
}
