import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Client } from '../client/client.ts'
import { resource } from '../objects/resources.ts'
import { type Review, review } from './review.ts'
import type { User } from './user.ts'

const subjectAccessReviews = resource<Review<{ readonly allowed?: boolean }>>(
  'authorization.k8s.io/v1',
  'SubjectAccessReview',
  'subjectaccessreviews',
  'Cluster',
)

/** What is asked for, as the spec of a SubjectAccessReview has it. */
export type Asked =
  | { readonly resourceAttributes: Readonly<Record<string, string>> }
  | { readonly nonResourceAttributes: { readonly path: string; readonly verb: string } }

/** Whether the cluster allows it. Throws if the API server gives no verdict. */
export type ReviewAccess = (user: User, asked: Asked) => Promise<boolean>

export interface AccessOptions {
  /** The kubelet's `authorization.webhook.cacheAuthorizedTTL`. */
  readonly allowedMs?: number
  /** The kubelet's `authorization.webhook.cacheUnauthorizedTTL`. */
  readonly deniedMs?: number
  readonly maxEntries?: number
}

/** Rights by SubjectAccessReview, remembered as a kubelet does. Equal reviews in flight are one. */
export function createReviewAccess(client: Client, options: AccessOptions = {}): ReviewAccess {
  const { allowedMs = 300_000, deniedMs = 30_000, maxEntries = 4_096 } = options
  const verdicts = new LRUCache<string, { allowed: boolean }, object>({
    max: maxEntries,
    ttl: deniedMs,
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { options, context: spec }) => {
      const allowed = (await review(client, subjectAccessReviews, spec))?.allowed === true
      options.ttl = allowed ? allowedMs : deniedMs
      return { allowed }
    },
  })
  return async (user, asked) => {
    const spec = reviewSpec(user, asked)
    // Groups and extra can be long: the key is not.
    const key = createHash('sha256').update(JSON.stringify(spec)).digest('base64')
    return (await verdicts.forceFetch(key, { context: spec })).allowed
  }
}

/** As k8s.io/apiserver's webhook authorizer puts it. Pure. */
function reviewSpec({ name, uid, groups, extra }: User, asked: Asked) {
  return { user: name, ...(uid && { uid }), groups, ...(extra && { extra }), ...asked }
}
