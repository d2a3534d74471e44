import { apiVersion, type PolicyIndex, policyIndexKind } from '@kosmos/api'
import { resource } from '@kosmos/kube'

/** A PolicyIndex as the root returned it. */
export type StoredIndex = PolicyIndex & { metadata: { uid: string; resourceVersion: string } }

export const policyIndexes = resource<StoredIndex>(
  apiVersion,
  policyIndexKind.kind,
  policyIndexKind.plural,
  policyIndexKind.scope,
)
