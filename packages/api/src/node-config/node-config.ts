import { apiGroup, apiVersion } from '../names.ts'
import type { Kind } from '../schema/kind.ts'
import type { ObjectMeta } from '../schema/metadata.ts'
import { type NodeConfigSpec, nodeConfigSpec } from './spec.ts'
import { type NodeConfigStatus, nodeConfigStatus } from './status.ts'

/** What ClusterLink wants on a node and what is there. Lives in the cluster of the node. */
export interface NodeConfig {
  apiVersion: typeof apiVersion
  kind: 'NodeConfig'
  metadata: ObjectMeta
  spec: NodeConfigSpec
  status?: NodeConfigStatus
}

export const nodeConfigKind: Kind = {
  group: apiGroup,
  version: apiVersion.slice(apiGroup.length + 1),
  kind: 'NodeConfig',
  plural: 'nodeconfigs',
  singular: 'nodeconfig',
  categories: ['kosmos-io'],
  scope: 'Cluster',
  description: 'The devices, routes and rules of ClusterLink on one node.',
  spec: nodeConfigSpec,
  status: nodeConfigStatus,
  rules: [],
  columns: [
    { name: 'Node', type: 'string', jsonPath: '.spec.nodeName', description: 'The node.' },
    {
      name: 'Applied',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Applied")].status',
      description: 'Whether the node has what it should.',
    },
    {
      name: 'Reachable',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="NextHopsReachable")].status',
      description: 'Whether the other ends answer through the tunnels.',
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Applied")].reason',
      description: 'Why it is applied or not, in one word.',
      wide: true,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since when it exists.' },
  ],
}
