import { ApiError, type KubeObject, type Outcome } from '@kosmos/kube'
import { withoutContents } from './without-contents.ts'

export type Refusal = Extract<Outcome<unknown>, { ok: false }>

/** Secrets that an answer may quote; `unknown` when it is a Secret that was not read. */
export type Quotable = readonly KubeObject[] | 'unknown'

/** The leaf said no; it is asked again later. */
export class CopyRefused extends Error {
  static of({ reason, status }: Refusal, quotable: Quotable = []): CopyRefused {
    if (quotable === 'unknown') return new CopyRefused(`${reason} (${WITHHELD})`)
    return new CopyRefused(withoutContents(status.message ?? reason, ...quotable))
  }
}

/** The leaf's API server answered with an error, which may pass by itself; it is asked again soon. */
export class CopyFailed extends Error {
  /** @param isSecret whether what was asked is about a Secret: who tells of an error may quote anything */
  static of({ code, reason, status }: ApiError, isSecret: boolean): CopyFailed {
    const what = ['its API server answers with error', code, reason].filter(Boolean).join(' ')
    if (isSecret) return new CopyFailed(`${what} (${WITHHELD})`)
    return new CopyFailed(status.message ? `${what}: ${status.message}` : what)
  }
}

const WITHHELD = 'its words are left out, since they may quote the Secret'

/** Waits for the answer of a leaf. @throws CopyFailed where the client throws an error that the API server answered */
export async function answerOf<T>(request: Promise<T>, isSecret: boolean): Promise<T> {
  try {
    return await request
  } catch (error) {
    throw error instanceof ApiError ? CopyFailed.of(error, isSecret) : error
  }
}

/** Whether only the leaf's administrator can mend it; what another change caused, the watch follows up. */
export function isRefusal(outcome: Outcome<unknown>): outcome is Refusal {
  return !outcome.ok && (outcome.reason === 'Forbidden' || outcome.reason === 'Invalid')
}
