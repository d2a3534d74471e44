import { tokenRenewalAnnotation, tokenSecretAnnotation } from '@kosmos/api'
import type { KubeObject, Pod } from '@kosmos/kube'
import { isCopyOf } from '../pods/decide.ts'
import { isTerminal } from '../pods/status/status-patch.ts'

export interface TokenView {
  readonly root: Pod | undefined
  readonly leaf: Pod | undefined
  /** Metadata of the Secret with the tokens, undefined if there is none. */
  readonly secret: KubeObject | undefined
  /** Whether somebody else has written to it. */
  readonly contested?: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type TokenPlan =
  /** `afterMs`: when they are to be renewed. */
  | { readonly kind: 'none'; readonly afterMs?: number }
  | { readonly kind: 'create' }
  | { readonly kind: 'replace'; readonly uid: string; readonly resourceVersion: string }

/**
 * What to do about the tokens of one pod. They are never removed: the Secret is owned by the pod in the leaf, and a token is
 * worth nothing once its root pod is gone. Pure.
 */
export function planTokens({ root, leaf, secret, contested = false, now }: TokenView): TokenPlan {
  if (!root || !leaf || !isCopyOf(leaf, root)) return { kind: 'none' }
  if (leaf.metadata.annotations?.[tokenSecretAnnotation] === undefined) return { kind: 'none' }
  if (isTerminal(leaf.status)) return { kind: 'none' }
  if (!secret) return { kind: leaf.metadata.deletionTimestamp === undefined ? 'create' : 'none' }
  const { uid = '', resourceVersion = '', annotations, ownerReferences } = secret.metadata ?? {}
  const isOfThisCopy = ownerReferences?.some((owner) => owner.uid === leaf.metadata.uid) ?? false
  // Also while the pod is ending: it may still have to talk to the API server.
  const dueMs = Date.parse(annotations?.[tokenRenewalAnnotation] ?? '') - now
  // A time that cannot be read is due.
  return isOfThisCopy && !contested && dueMs > 0
    ? { kind: 'none', afterMs: dueMs }
    : { kind: 'replace', uid, resourceVersion }
}
