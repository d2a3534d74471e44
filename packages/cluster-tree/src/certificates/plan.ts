import { certificateRenewalAnnotation } from '@kosmos/api'
import type { KubeObject, Pod, PodCertificateRequest } from '@kosmos/kube'
import { isCopyOf } from '../pods/decide.ts'
import { isTerminal } from '../pods/status/status-patch.ts'
import type { Credential, IssuedCertificate } from './credential.ts'

export interface CertificateView {
  readonly root: Pod | undefined
  readonly leaf: Pod | undefined
  /** Metadata of the Secret with the certificate, undefined if there is none. */
  readonly secret: KubeObject | undefined
  /** Whether somebody else has written to it. */
  readonly contested?: boolean
  /** How far this process has got, with this or an earlier incarnation of the pod. */
  readonly credential: Credential | undefined
  /** What was asked, as the root has it. */
  readonly request: PodCertificateRequest | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

export type CertificatePlan =
  /** `afterMs`: when something is due. `isOverdue`: the signer leaves a pod waiting for another one. */
  | { readonly kind: 'none'; readonly afterMs?: number; readonly isOverdue?: boolean }
  /** What this process knows is of no use any more. */
  | { readonly kind: 'forget' }
  /** Make a key and ask the signer. */
  | { readonly kind: 'ask' }
  /** See what the signer has answered. */
  | { readonly kind: 'settle' }
  | {
      readonly kind: 'deliver'
      readonly issued: IssuedCertificate
      readonly present?: { readonly uid: string; readonly resourceVersion: string }
    }

/** As a kubelet: a request that is not there after so long has been deleted, and an answer that is not is overdue. */
export const ABANDONED_MS = 600_000
/** What a signer takes that is at work; nobody is told of that. */
export const PROMPT_MS = 2_000

const NOTHING: CertificatePlan = { kind: 'none' }

/**
 * What to do about one certificate of one pod: it is asked for when the pod is bound, and again when it is due. The Secret is
 * owned by the pod in the leaf, and goes with it. Pure.
 */
export function planCertificate(view: CertificateView): CertificatePlan {
  const { root, leaf, secret, contested = false, credential, now } = view
  if (!root) return credential ? { kind: 'forget' } : NOTHING
  if (credential && credential.rootUid !== root.metadata.uid) return { kind: 'forget' }
  const copy = leaf && isCopyOf(leaf, root) ? leaf : undefined
  if (isTerminal(root.status) || (leaf && !copy) || (copy && isTerminal(copy.status))) return NOTHING
  if (credential?.kind === 'refused') return NOTHING
  if (credential?.kind === 'asked') return awaiting(view, credential)
  if (credential?.kind === 'issued') {
    if (copy) return { kind: 'deliver', issued: credential, ...(secret && { present: versionOf(secret) }) }
    return credential.renewAt > now ? { kind: 'none', afterMs: credential.renewAt - now } : { kind: 'ask' }
  }
  const renewal = secret?.metadata?.annotations?.[certificateRenewalAnnotation] ?? ''
  const isOfThisCopy = secret?.metadata?.ownerReferences?.some(({ uid }) => uid === copy?.metadata.uid) ?? false
  if (credential?.kind === 'delivered') {
    if (isOfThisCopy && renewal === credential.renewal) return { kind: 'forget' }
    if (credential.until > now) return { kind: 'none', afterMs: credential.until - now }
  }
  // Also while the pod is ending: it may still have to show its certificate.
  const dueMs = Date.parse(renewal) - now
  if (isOfThisCopy && !contested && dueMs > 0) return { kind: 'none', afterMs: dueMs }
  const isEnding = (copy ?? root).metadata.deletionTimestamp !== undefined
  return isEnding && !isOfThisCopy ? NOTHING : { kind: 'ask' }
}

function awaiting(
  { request, leaf, now }: CertificateView,
  { askedAt }: Extract<Credential, { kind: 'asked' }>,
): CertificatePlan {
  if (request?.status?.conditions?.length) return { kind: 'settle' }
  const waitedMs = now - askedAt
  if (waitedMs < PROMPT_MS) return { kind: 'none', afterMs: PROMPT_MS - waitedMs }
  if (waitedMs < ABANDONED_MS) return { kind: 'none', afterMs: ABANDONED_MS - waitedMs }
  return request ? { kind: 'none', afterMs: ABANDONED_MS, isOverdue: leaf !== undefined } : { kind: 'ask' }
}

function versionOf({ metadata }: KubeObject) {
  return { uid: metadata?.uid ?? '', resourceVersion: metadata?.resourceVersion ?? '' }
}
