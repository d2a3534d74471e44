import { dump, load } from 'js-yaml'
import { loadKubeConfig } from '../connection/kubeconfig.ts'

export interface TokenLife {
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/** What a ServiceAccount token says of itself (KEP-1205). Read, not verified: only its issuer can do that. */
export interface TokenClaims extends TokenLife {
  readonly namespace: string
  readonly serviceAccount: string
}

interface KubeconfigFile {
  users?: { name: string; user?: { token?: string } }[]
}

/** The claims of the ServiceAccount token in a kubeconfig; undefined if it logs in otherwise or never expires. */
export function tokenClaims(kubeconfig: string): TokenClaims | undefined {
  const token = loadKubeConfig({ text: kubeconfig }).getCurrentUser()?.token
  const life = token && tokenLife(token)
  if (!life) return undefined
  const { namespace, serviceaccount } = (payloadOf(token)?.['kubernetes.io'] ?? {}) as {
    namespace?: unknown
    serviceaccount?: { name?: unknown }
  }
  if (typeof namespace !== 'string' || typeof serviceaccount?.name !== 'string') return undefined
  return { namespace, serviceAccount: serviceaccount.name, ...life }
}

/** From when until when a JWT is valid (RFC 7519); undefined if it is none or does not say. */
export function tokenLife(token: string): TokenLife | undefined {
  const { iat, exp } = payloadOf(token) ?? {}
  if (typeof iat !== 'number' || typeof exp !== 'number') return undefined
  return { issuedAt: iat * 1000, expiresAt: exp * 1000 }
}

function payloadOf(token: string): Record<string, unknown> | undefined {
  try {
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    return typeof payload === 'object' && payload !== null ? payload : undefined
  } catch {
    return undefined
  }
}

/** Whether it is time to renew a token: at half of its life, so that a long outage does not cost the leaf. */
export function isRenewalDue({ issuedAt, expiresAt }: TokenLife, now: number): boolean {
  return now >= issuedAt + (expiresAt - issuedAt) / 2
}

/** The kubeconfig with another token for the user that it logs in as; other users in it keep theirs. */
export function withToken(kubeconfig: string, token: string): string {
  const current = loadKubeConfig({ text: kubeconfig }).getCurrentUser()?.name
  const config = load(kubeconfig) as KubeconfigFile
  const users = config.users?.map((entry) =>
    entry.name === current ? { ...entry, user: { ...entry.user, token } } : entry,
  )
  return dump({ ...config, users })
}
