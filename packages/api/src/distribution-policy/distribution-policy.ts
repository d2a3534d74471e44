import { apiGroup, type apiVersion } from '../names.ts'
import { withDefaults } from '../schema/defaults.ts'
import { isObject } from '../schema/json.ts'
import type { Kind } from '../schema/kind.ts'
import type { ObjectMeta } from '../schema/metadata.ts'
import type { Problem } from '../schema/problem.ts'
import { problemsWith } from '../schema/validate.ts'
import { type DistributionPolicySpec, distributionPolicySpec } from './spec.ts'
import { type DistributionPolicyStatus, distributionPolicyStatus } from './status.ts'

/** Which kind of nodes the pods of a namespace may be on, as an API server returns it: defaults are set. */
export interface DistributionPolicy {
  apiVersion: typeof apiVersion
  kind: 'DistributionPolicy'
  metadata: ObjectMeta & { namespace: string }
  spec: DistributionPolicySpec
  status?: DistributionPolicyStatus
}

/** The same for the pods of all namespaces. */
export interface ClusterDistributionPolicy {
  apiVersion: typeof apiVersion
  kind: 'ClusterDistributionPolicy'
  metadata: ObjectMeta
  spec: DistributionPolicySpec
  status?: DistributionPolicyStatus
}

/** A copy with the defaults where nothing is set, as the API server stores it. */
export function defaultDistributionPolicy<T extends { spec?: unknown }>(
  manifest: T,
): T & { spec: DistributionPolicySpec } {
  return { ...manifest, spec: withDefaults(distributionPolicySpec, manifest.spec) as DistributionPolicySpec }
}

/** What the API server would refuse in the spec of a manifest of either kind. Empty when it is fine. */
export function distributionPolicyProblems(manifest: { readonly spec?: unknown }): Problem[] {
  if (!isObject(manifest.spec)) return [{ path: 'spec', message: 'Required value' }]
  return problemsWith(distributionPolicySpec, withDefaults(distributionPolicySpec, manifest.spec), 'spec')
}

const common = {
  group: apiGroup,
  version: 'v1alpha1',
  categories: ['kosmos-io'],
  spec: distributionPolicySpec,
  status: distributionPolicyStatus,
  rules: [],
  columns: [
    {
      name: 'Effective',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Effective")].status',
      description: 'Whether its pods go by it.',
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Effective")].reason',
      description: 'Why, in one word.',
      wide: true,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since when it exists.' },
  ],
} as const

export const distributionPolicyKind: Kind = {
  ...common,
  kind: 'DistributionPolicy',
  plural: 'distributionpolicies',
  singular: 'distributionpolicy',
  shortNames: ['dp'],
  scope: 'Namespaced',
  description: "Which of the pods of a namespace go to the root's own nodes, to leaves, or to certain nodes.",
}

export const clusterDistributionPolicyKind: Kind = {
  ...common,
  kind: 'ClusterDistributionPolicy',
  plural: 'clusterdistributionpolicies',
  singular: 'clusterdistributionpolicy',
  shortNames: ['cdp'],
  scope: 'Cluster',
  description:
    "Which pods go to the root's own nodes, to leaves, or to certain nodes, in all namespaces but kube-system and kosmos-system, where no DistributionPolicy of the namespace says otherwise.",
}
