import { apiGroup, apiVersion } from '../names.ts'
import { withDefaults } from '../schema/defaults.ts'
import { isObject } from '../schema/json.ts'
import type { Kind } from '../schema/kind.ts'
import type { ObjectMeta } from '../schema/metadata.ts'
import type { Problem } from '../schema/problem.ts'
import { problemsWith } from '../schema/validate.ts'
import { type WorkloadPolicySpec, workloadPolicySpec } from './spec.ts'
import { type WorkloadPolicyStatus, workloadPolicyStatus } from './status.ts'

/** How the pods of a workload are distributed, as an API server returns it: defaults are set. */
export interface WorkloadPolicy {
  apiVersion: typeof apiVersion
  kind: 'WorkloadPolicy'
  metadata: ObjectMeta & { namespace: string }
  spec: WorkloadPolicySpec
  status?: WorkloadPolicyStatus
}

/** A copy with the defaults where nothing is set, as the API server stores it. */
export function defaultWorkloadPolicy<T extends { spec?: unknown }>(manifest: T): T & { spec: WorkloadPolicySpec } {
  return { ...manifest, spec: withDefaults(workloadPolicySpec, manifest.spec) as WorkloadPolicySpec }
}

/** What the API server would refuse in the spec of a manifest. Empty when it is fine. */
export function workloadPolicyProblems(manifest: { readonly spec?: unknown }): Problem[] {
  if (!isObject(manifest.spec)) return [{ path: 'spec', message: 'Required value' }]
  return problemsWith(workloadPolicySpec, withDefaults(workloadPolicySpec, manifest.spec), 'spec')
}

export const workloadPolicyKind: Kind = {
  group: apiGroup,
  version: apiVersion.slice(apiGroup.length + 1),
  kind: 'WorkloadPolicy',
  plural: 'workloadpolicies',
  singular: 'workloadpolicy',
  shortNames: ['wlp'],
  categories: ['kosmos-io'],
  scope: 'Namespaced',
  description: 'How many pods of a workload go to which cluster, region, zone or node.',
  spec: workloadPolicySpec,
  status: workloadPolicyStatus,
  rules: [],
  columns: [
    { name: 'Key', type: 'string', jsonPath: '.spec.topologyKey', description: 'The node label that is counted by.' },
    { name: 'Pods', type: 'integer', jsonPath: '.status.pods', description: 'How many pods it places.' },
    { name: 'Waiting', type: 'integer', jsonPath: '.status.waiting', description: 'How many wait for a place.' },
    {
      name: 'Satisfied',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Satisfied")].status',
      description: 'Whether the pods are where the policy wants them.',
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Satisfied")].reason',
      description: 'Why, in one word.',
      wide: true,
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since when it exists.' },
  ],
}
