import type { Status } from '../connection/errors.ts'

/**
 * What an API server may answer to a write although nobody did anything wrong. These are values, because a controller
 * has something to do for each; everything else is thrown as an ApiError.
 */
export type RefusalReason =
  /** There is no such object, or for a new object no such namespace. */
  | 'NotFound'
  | 'AlreadyExists'
  /** The object changed since the resourceVersion that was sent. */
  | 'Conflict'
  /** The object of that name has another uid than the write was meant for. */
  | 'OtherIncarnation'
  /** Validation or admission says no: sending it again unchanged is of no use. */
  | 'Invalid'
  | 'Forbidden'

export type Outcome<T> =
  | { readonly ok: true; readonly object: T }
  | { readonly ok: false; readonly reason: RefusalReason; readonly status: Status }

/** The wordings of k8s.io/apiserver for a uid that does not match: of a DELETE, a binding, a token's bound object. */
const UID_PRECONDITION = /UID in (the )?(precondition|bound object reference)/i

/** An apply that names a uid where there is no object. */
const APPLIED_TO_NOTHING = /specified uid .*no existing object was found/

/**
 * The wordings of k8s.io/apiserver for an admission webhook that says no, which it may do with any code, and for one that does not
 * answer, which is an internal error.
 */
const BY_WEBHOOK = /^admission webhook "|failed calling webhook "/

/** Which refusal an answer is; undefined if it is a failure. Pure. */
export function refusalOf(code: number, status: Status): RefusalReason | undefined {
  if (code !== 400 && code !== 422 && BY_WEBHOOK.test(status.message ?? '')) return 'Forbidden'
  // A wrong uid is 409 without a cause for DELETE, 422 with a cause on metadata.uid for PATCH.
  const onUid = status.details?.causes?.some((cause) => cause.field === 'metadata.uid')
  switch (code) {
    case 404:
      return isNotFound(code, status) ? 'NotFound' : undefined
    case 409:
      if (status.reason === 'AlreadyExists') return 'AlreadyExists'
      if (APPLIED_TO_NOTHING.test(status.message ?? '')) return 'NotFound'
      return onUid || UID_PRECONDITION.test(status.message ?? '') ? 'OtherIncarnation' : 'Conflict'
    case 422:
      return onUid ? 'OtherIncarnation' : 'Invalid'
    case 400:
    case 413:
      return 'Invalid'
    case 403:
      return 'Forbidden'
    default:
      return undefined
  }
}

/**
 * Whether the API server says that an object is not there. A 404 that names no object is about the URL (a kind that is
 * not served, a proxy with another idea of the path), and must not be taken for an object that is gone.
 */
export function isNotFound(code: number, status: Status): boolean {
  return code === 404 && Boolean(status.details?.name)
}

/** The object of a successful outcome, undefined for NotFound; throws on every other refusal. */
export function unwrap<T>(outcome: Outcome<T>): T | undefined {
  if (outcome.ok) return outcome.object
  if (outcome.reason === 'NotFound') return undefined
  throw new Error(outcome.status.message ?? outcome.reason)
}

/** Whether the object that a write was meant for is no longer there: nothing of that name, or another under it. */
export function isGone({ reason }: Outcome<unknown> & { readonly ok: false }): boolean {
  return reason === 'NotFound' || reason === 'OtherIncarnation'
}

/** Whether a write met something newer than its writer knew: the object is gone, or has changed. Its watch brings that. */
export function isOvertaken(outcome: Outcome<unknown> & { readonly ok: false }): boolean {
  return outcome.reason === 'Conflict' || isGone(outcome)
}

/** The error for a refusal that the caller cannot live with. @param what the object that was written, as people know it */
export function refused(what: string, { status, reason }: Outcome<unknown> & { readonly ok: false }): Error {
  return new Error(`${what}: ${status.message ?? reason}`)
}
