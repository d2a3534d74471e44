import { type DistributionIndexEntry, type PolicyIndexEntry, type PolicyIndexSpec, policyIndexNames } from '@kosmos/api'
import type { Resource } from '@kosmos/kube'
import type { StoredDistribution } from '../distributions/compiled-distribution.ts'
import { clusterDistributionPolicies, distributionPolicies } from '../distributions/resource.ts'
import type { StoredPolicy } from '../policies/compiled-policy.ts'
import { workloadPolicies } from '../policies/resource.ts'

export type Indexed = StoredPolicy | StoredDistribution
export type IndexEntry = PolicyIndexEntry | DistributionIndexEntry

/** Policies of one kind, and how an index says which pods they select. */
export interface IndexedKind<P extends Indexed, E extends IndexEntry> {
  readonly resource: Resource<P>
  /** What the index says of a policy: at least one entry. */
  entriesOf(policy: P): E[]
  /** The name of the policy that an entry is of. */
  policyOf(entry: E): string
  read(spec: PolicyIndexSpec): readonly E[]
  spec(entries: readonly E[]): PolicyIndexSpec
}

export const workloadIndex: IndexedKind<StoredPolicy, PolicyIndexEntry> = {
  resource: workloadPolicies,
  entriesOf: ({ metadata, spec: { workload, labelSelector } }) => [
    { name: metadata.name, ...(workload && { workload }), ...(labelSelector && { labelSelector }) },
  ],
  policyOf: ({ name }) => name,
  read: ({ policies }) => policies,
  spec: (policies) => ({ policies: [...policies] }),
}

const distributionIndex = (
  resource: Resource<StoredDistribution>,
): IndexedKind<StoredDistribution, DistributionIndexEntry> => ({
  resource,
  // The criterion that names pods most directly counts, so the others are not asked about.
  entriesOf: ({ metadata: { name: policy }, spec }) =>
    spec.resourceSelectors.map(({ name, namePrefix, labelSelector }) => {
      if (name) return { policy, name }
      if (namePrefix) return { policy, namePrefix }
      return labelSelector ? { policy, labelSelector } : { policy }
    }),
  policyOf: ({ policy }) => policy,
  read: ({ distributions = [] }) => distributions,
  // An older scheduler, which knows WorkloadPolicies only, leaves an index of another name alone.
  spec: (distributions) => ({ policies: [], distributions: [...distributions] }),
})

/** By the name of the index. */
export const indexedKinds: Readonly<Record<string, IndexedKind<Indexed, IndexEntry>>> = {
  [policyIndexNames.WorkloadPolicy]: workloadIndex,
  [policyIndexNames.DistributionPolicy]: distributionIndex(distributionPolicies),
  [policyIndexNames.ClusterDistributionPolicy]: distributionIndex(clusterDistributionPolicies),
}
