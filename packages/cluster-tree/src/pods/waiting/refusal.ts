import type { ApiError, ObjectKey, Outcome, Requeue } from '@kosmos/kube'
import { CopyFailed } from '../../copies/refused.ts'
import type { ClaimState } from '../../volumes/claim-state.ts'
import type { Reference } from '../needs/references.ts'
import type { Waiting } from './waiting.ts'

/** A copy that the leaf would not take: why, and when it is worth another try. */
interface Refusal {
  readonly rootUid: string
  readonly waiting: Waiting
  readonly attempts: number
  readonly retryAt: number
}

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000

/** Remembers refused copies, so that each is tried again with growing pauses and the root pod says what is in the way. */
export class Refusals {
  readonly #refusals = new Map<ObjectKey, Refusal>()

  add(key: ObjectKey, rootUid: string, waiting: Waiting, now: number): void {
    const before = this.#refusals.get(key)
    const attempts = before?.rootUid === rootUid ? before.attempts + 1 : 1
    const pause = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1))
    this.#refusals.set(key, { rootUid, waiting, attempts, retryAt: now + pause })
  }

  /** What is in the way of this incarnation; undefined when it is time to try. */
  of(key: ObjectKey, rootUid: string | undefined, now: number): Waiting | undefined {
    const refusal = this.#refusals.get(key)
    return refusal && refusal.rootUid === rootUid && refusal.retryAt > now ? refusal.waiting : undefined
  }

  /**
   * When to look at a refused key again. Once it is time nothing is left to wait for: who asks at that `now` has looked, and has
   * found something else to do or nothing.
   */
  retry(key: ObjectKey, now: number): Requeue {
    const { retryAt } = this.#refusals.get(key) ?? { retryAt: now }
    return retryAt > now ? { afterMs: retryAt - now } : undefined
  }

  forget(key: ObjectKey): void {
    this.#refusals.delete(key)
  }
}

/** What a leaf's refusal to create a pod means for the root pod. */
export function waitingFor(refusal: Extract<Outcome<unknown>, { ok: false }>, cluster: string): Waiting {
  const said = refusal.status.message ?? refusal.reason
  return {
    reason: 'RefusedByLeaf',
    message: `cluster ${cluster} does not accept the pod: ${said}`,
  }
}

/** What it means for the root pod that the leaf goes on answering with an error when it is to be created. */
export function failedIn(cluster: string, error: ApiError): Waiting {
  const { message } = CopyFailed.of(error, false)
  return { reason: 'RefusedByLeaf', message: `cluster ${cluster} does not accept the pod: ${message}` }
}

/** What a leaf's refusal to make the pod's namespace means for the root pod. */
export function namespaceRefused(
  refusal: Extract<Outcome<unknown>, { ok: false }>,
  namespace: string,
  cluster: string,
): Waiting {
  const said = refusal.status.message ?? refusal.reason
  return { reason: 'RefusedByLeaf', message: `cluster ${cluster} does not accept namespace ${namespace}: ${said}` }
}

/** What it means for the root pod that the leaf does not take the copy of something it refers to. */
export function copyRefused({ kind, name }: Reference, cluster: string, said = ''): Waiting {
  return { reason: 'RefusedByLeaf', message: `cluster ${cluster} does not accept ${kind} ${name}: ${said}` }
}

/** What it means for the root pod that a claim of its is not to be had in the leaf. */
export function claimBlocked(
  name: string,
  state: Exclude<ClaimState, 'current' | 'pending'>,
  cluster: string,
  said = '',
): Waiting {
  const claim = `PersistentVolumeClaim ${name}`
  switch (state) {
    case 'missing':
      return { reason: 'ClaimNotFound', message: `${claim} does not exist; the pod starts when it does` }
    case 'unbound':
      return { reason: 'ClaimNotBound', message: `${claim} has no volume yet; the pod starts when it is bound to one` }
    case 'elsewhere':
      return {
        reason: 'VolumeNotInLeaf',
        message: `${claim}: ${said}`,
      }
    case 'lost':
      return {
        reason: 'VolumeLostInLeaf',
        message: `${claim} had a volume in cluster ${cluster}, and its claim is gone there: restore it in the leaf, or delete the claim in the root to begin with an empty one`,
      }
    case 'refused':
      return { reason: 'RefusedByLeaf', message: `cluster ${cluster} does not accept ${claim}: ${said}` }
  }
}

/** A namespace that was just made has no default ServiceAccount for a moment; that is no refusal to speak of. */
export function isNamespaceStarting(refusal: Extract<Outcome<unknown>, { ok: false }>): boolean {
  return (
    refusal.reason === 'Forbidden' &&
    /error looking up service account [^/ ]+\/default:/.test(refusal.status.message ?? '')
  )
}
