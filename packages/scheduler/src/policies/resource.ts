import { apiVersion, workloadPolicyKind } from '@kosmos/api'
import { resource } from '@kosmos/kube'
import type { StoredPolicy } from './compiled-policy.ts'

export const workloadPolicies = resource<StoredPolicy>(
  apiVersion,
  workloadPolicyKind.kind,
  workloadPolicyKind.plural,
  workloadPolicyKind.scope,
)
