import type { Status } from '../connection/errors.ts'

/**
 * What an API server may answer to a write although nobody did anything wrong. These are values, because a controller
 * has something to do for each; everything else is thrown as an ApiError.
 */
export type RefusalReason =
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

/** Both wordings of k8s.io/apiserver for a DELETE whose uid does not match. */
const UID_PRECONDITION = /UID in (the )?precondition/i

/** Which refusal an answer is; undefined if it is a failure. Pure. */
export function refusalOf(code: number, status: Status): RefusalReason | undefined {
  // A wrong uid is 409 without a cause for DELETE, 422 with a cause on metadata.uid for PATCH.
  const onUid = status.details?.causes?.some((cause) => cause.field === 'metadata.uid')
  switch (code) {
    case 404:
      return 'NotFound'
    case 409:
      if (status.reason === 'AlreadyExists') return 'AlreadyExists'
      return onUid || UID_PRECONDITION.test(status.message ?? '') ? 'OtherIncarnation' : 'Conflict'
    case 422:
      return onUid ? 'OtherIncarnation' : 'Invalid'
    case 400:
      return 'Invalid'
    case 403:
      return 'Forbidden'
    default:
      return undefined
  }
}

/** The object of a successful outcome, undefined for NotFound; throws on every other refusal. */
export function unwrap<T>(outcome: Outcome<T>): T | undefined {
  if (outcome.ok) return outcome.object
  if (outcome.reason === 'NotFound') return undefined
  throw new Error(outcome.status.message ?? outcome.reason)
}
