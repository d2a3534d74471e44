import { createHmac, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import PQueue from 'p-queue'
import type { Client } from '../client/client.ts'
import { resource } from '../objects/resources.ts'
import { type Review, review } from './review.ts'
import type { User } from './user.ts'

interface Verdict {
  readonly authenticated?: boolean
  readonly user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> }
}

const tokenReviews = resource<Review<Verdict>>('authentication.k8s.io/v1', 'TokenReview', 'tokenreviews', 'Cluster')

/** Tells whose bearer token this is; undefined if nobody's. Throws if the API server gives no verdict. */
export type IdentifyToken = (token: string) => Promise<User | undefined>

export interface TokenOptions {
  /** The kubelet's `authentication.webhook.cacheTTL`. */
  readonly acceptedMs?: number
  /** Short, so that a token that was used too early works soon. */
  readonly refusedMs?: number
  readonly maxEntries?: number
  /** Reviews at a time; anybody may send tokens, and the client's connections are for the controllers as well. */
  readonly concurrency?: number
  /** Reviews that may wait; more fail at once. */
  readonly maxWaiting?: number
}

/** Bearer tokens by TokenReview. Equal reviews in flight are one; the cache knows a token by a keyed hash only. */
export function createIdentifyToken(client: Client, options: TokenOptions = {}): IdentifyToken {
  const { acceptedMs = 120_000, refusedMs = 10_000, maxEntries = 4_096, concurrency = 8, maxWaiting = 256 } = options
  const queue = new PQueue({ concurrency })
  const secret = randomBytes(32)
  const keyOf = (token: string) => createHmac('sha256', secret).update(token).digest('base64')
  const verdicts = new LRUCache<string, { user?: User }, string>({
    max: maxEntries,
    ttl: acceptedMs,
    ignoreFetchAbort: true,
    fetchMethod: async (_key, _stale, { options, context: token }) => {
      if (queue.size >= maxWaiting) throw new Error(`more than ${maxWaiting} tokens wait for their review`)
      const user = await queue.add(() => identify(client, token))
      options.ttl = user ? acceptedMs : refusedMs
      return { ...(user && { user }) }
    },
  })
  return async (token) => (await verdicts.forceFetch(keyOf(token), { context: token })).user
}

async function identify(client: Client, token: string): Promise<User | undefined> {
  const { authenticated, user } = (await review(client, tokenReviews, { token })) ?? {}
  if (!authenticated || !user?.username) return undefined
  return {
    name: user.username,
    groups: user.groups ?? [],
    ...(user.uid && { uid: user.uid }),
    ...(user.extra && { extra: user.extra }),
  }
}

/** The token of an Authorization header; undefined if it carries none. Pure. */
export function bearerTokenOf(header: string | undefined): string | undefined {
  const [scheme = '', token] = (header ?? '').trim().split(' ')
  return scheme.toLowerCase() === 'bearer' && token ? token : undefined
}
