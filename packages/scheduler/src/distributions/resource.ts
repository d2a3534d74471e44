import { apiVersion, clusterDistributionPolicyKind, distributionPolicyKind, type Kind } from '@kosmos/api'
import { type Resource, resource } from '@kosmos/kube'
import type { StoredDistribution } from './compiled-distribution.ts'

const of = ({ kind, plural, scope }: Kind): Resource<StoredDistribution> => resource(apiVersion, kind, plural, scope)

export const distributionPolicies = of(distributionPolicyKind)
export const clusterDistributionPolicies = of(clusterDistributionPolicyKind)
