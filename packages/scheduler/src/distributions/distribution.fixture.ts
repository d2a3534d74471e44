import type { DistributionPolicySpec, PolicyTerm } from '@kosmos/api'
import type { StoredDistribution } from './compiled-distribution.ts'

/** Terms that go by the name of their kind. */
export const terms: PolicyTerm[] = (['host', 'leaf', 'mix'] as const).map((nodeType) => ({ name: nodeType, nodeType }))

export interface DistributionParts {
  readonly name?: string
  /** Undefined: one of the whole root. */
  readonly namespace?: string | undefined
  readonly createdAt?: string
  readonly policyTerms?: PolicyTerm[]
}

/** A DistributionPolicy in the namespace `shop`, or a ClusterDistributionPolicy, as the root returns it. */
export function distributionLike(
  resourceSelectors: DistributionPolicySpec['resourceSelectors'],
  parts: DistributionParts = {},
): StoredDistribution {
  const { name = 'web', createdAt = '2026-01-01T00:00:00Z', policyTerms = terms } = parts
  const namespace = 'namespace' in parts ? parts.namespace : 'shop'
  return {
    apiVersion: 'kosmos.io/v1alpha1',
    kind: namespace === undefined ? 'ClusterDistributionPolicy' : 'DistributionPolicy',
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      uid: `uid-of-${name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: createdAt,
    },
    spec: { resourceSelectors, policyTerms },
  } as StoredDistribution
}
