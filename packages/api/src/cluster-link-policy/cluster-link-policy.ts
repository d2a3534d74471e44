import { apiGroup, apiVersion } from '../names.ts'
import type { Kind } from '../schema/kind.ts'
import type { ObjectMeta } from '../schema/metadata.ts'
import { type ClusterLinkPolicySpec, clusterLinkPolicySpec } from './spec.ts'
import { type ClusterLinkPolicyStatus, clusterLinkPolicyStatus } from './status.ts'

/** Which linked clusters may talk with which, as an API server returns it: defaults are set. */
export interface ClusterLinkPolicy {
  apiVersion: typeof apiVersion
  kind: 'ClusterLinkPolicy'
  metadata: ObjectMeta
  spec: ClusterLinkPolicySpec
  status?: ClusterLinkPolicyStatus
}

export const clusterLinkPolicyKind: Kind = {
  group: apiGroup,
  version: apiVersion.slice(apiGroup.length + 1),
  kind: 'ClusterLinkPolicy',
  plural: 'clusterlinkpolicies',
  singular: 'clusterlinkpolicy',
  shortNames: ['clp'],
  categories: ['kosmos-io'],
  scope: 'Cluster',
  description: 'Which of the clusters that ClusterLink connects may talk with which. Without any, all may with all.',
  spec: clusterLinkPolicySpec,
  status: clusterLinkPolicyStatus,
  rules: [],
  columns: [
    { name: 'Clusters', type: 'string', jsonPath: '.status.clusters', description: 'Whom it is for.' },
    { name: 'Peers', type: 'string', jsonPath: '.status.peers', description: 'With whom they may talk.' },
    {
      name: 'Found',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="ClustersFound")].status',
      description: 'Whether there are the clusters that it speaks of.',
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="ClustersFound")].reason',
      description: 'Why, in one word.',
      wide: true,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since when it exists.' },
  ],
}
