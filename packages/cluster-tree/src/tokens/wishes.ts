import { hash } from 'node:crypto'
import type { Pod, PodSpec } from '@kosmos/kube'

type Source = NonNullable<NonNullable<NonNullable<PodSpec['volumes']>[number]['projected']>['sources']>[number]
type TokenSource = NonNullable<Source['serviceAccountToken']>

/** A token that a pod asks for by a projected volume. */
export interface TokenWish {
  /** Of the Secret with the pod's tokens. */
  readonly key: string
  /** Of whom it may be shown to; undefined: the API server. */
  readonly audience: string | undefined
  readonly expirationSeconds: number
}

/** What a source is without it (k8s.io/api/core/v1, ServiceAccountTokenProjection). */
const DEFAULT_SECONDS = 3600
/**
 * ServiceAccount admission writes 3607, and by that number an API server knows a client that may not reload its token: it
 * makes the token valid for a year (--service-account-extend-token-expiration). Ours are renewed.
 */
const EXTENDED_SECONDS = 3607

/** The tokens that the volumes of a pod ask for, equal ones once. Pure. */
export function tokenWishes({ volumes = [] }: PodSpec): readonly TokenWish[] {
  const wishes = new Map<string, TokenWish>()
  for (const { projected } of volumes) {
    for (const { serviceAccountToken } of projected?.sources ?? []) {
      if (!serviceAccountToken) continue
      const wish = wishOf(serviceAccountToken)
      wishes.set(wish.key, wish)
    }
  }
  return [...wishes.values()]
}

/** What one source asks for. Pure. */
export function wishOf({ audience = '', expirationSeconds = DEFAULT_SECONDS }: Omit<TokenSource, 'path'>): TokenWish {
  const seconds = expirationSeconds === EXTENDED_SECONDS ? DEFAULT_SECONDS : expirationSeconds
  const key = `token-${hash('sha1', JSON.stringify([audience, seconds])).slice(0, 10)}`
  return { key, audience: audience || undefined, expirationSeconds: seconds }
}

/** The Secret in the leaf that holds the tokens of this incarnation of a root pod. Pure. */
export function tokenSecretName({ metadata: { uid } }: Pick<Pod, 'metadata'>): string {
  return `kosmos-tokens-${uid}`
}

/** In that Secret: the authority of the root's API server. */
export const authorityKey = 'ca.crt'
