import { createReviewAccess } from '../auth/access.ts'
import { bearerTokenOf, createIdentifyToken } from '../auth/token.ts'
import type { User } from '../auth/user.ts'
import type { Client } from '../client/client.ts'
import { errorOf } from '../observe/observe.ts'
import type { Log } from './log.ts'

export interface GuardOptions {
  /** To the API server that is asked who calls, and whether they may. */
  readonly client: Client
  readonly log: Log
}

export interface Call {
  readonly path: string
  /** The method in small letters, as rights on paths have it. */
  readonly verb: string
  /** The Authorization header. */
  readonly authorization: string | undefined
}

export interface Refusal {
  readonly code: 401 | 403 | 500
  readonly text: string
}

/** Undefined: the call is let through. */
export type Guard = (call: Call) => Promise<Refusal | undefined>

/**
 * Who calls by TokenReview, and whether they may by SubjectAccessReview of the path, as controller-runtime's
 * WithAuthenticationAndAuthorization (pkg/metrics/filters). Closed while the API server gives no verdict.
 */
export function createGuard({ client, log }: GuardOptions): Guard {
  const identifyToken = createIdentifyToken(client)
  const reviewAccess = createReviewAccess(client)
  return async ({ path, verb, authorization }) => {
    const token = bearerTokenOf(authorization)
    let user: User | undefined
    try {
      user = token === undefined ? undefined : await identifyToken(token)
    } catch (error) {
      log('error', 'http.authentication.failed', { reason: errorOf(error).message })
      return { code: 500, text: 'Authentication failed' }
    }
    if (user === undefined) return { code: 401, text: 'Unauthorized' }
    try {
      if (await reviewAccess(user, { nonResourceAttributes: { path, verb } })) return undefined
    } catch (error) {
      log('error', 'http.authorization.failed', { user: user.name, path, reason: errorOf(error).message })
      return { code: 500, text: `Authorization for user ${user.name} failed` }
    }
    return { code: 403, text: `Authorization denied for user ${user.name}: ${verb} ${path}` }
  }
}
