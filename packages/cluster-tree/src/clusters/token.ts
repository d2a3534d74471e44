import { dump, load } from 'js-yaml'

/** What a ServiceAccount token says of itself (KEP-1205). Read, not verified: only its issuer can do that. */
export interface TokenClaims {
  readonly namespace: string
  readonly serviceAccount: string
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
}

interface KubeconfigFile {
  users?: { name: string; user?: { token?: string } }[]
}

/** The claims of the ServiceAccount token in a kubeconfig; undefined if it logs in otherwise or never expires. */
export function tokenClaims(kubeconfig: string): TokenClaims | undefined {
  const token = (load(kubeconfig) as KubeconfigFile).users?.[0]?.user?.token
  const payload = token?.split('.')[1]
  if (!payload) return undefined
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    const { namespace, serviceaccount } = claims['kubernetes.io'] ?? {}
    if (!claims.exp || !claims.iat || !namespace || !serviceaccount?.name) return undefined
    return {
      namespace,
      serviceAccount: serviceaccount.name,
      issuedAt: claims.iat * 1000,
      expiresAt: claims.exp * 1000,
    }
  } catch {
    return undefined
  }
}

/** Whether it is time to renew a token: at half of its life, so that a long outage does not cost the leaf. */
export function isRenewalDue({ issuedAt, expiresAt }: TokenClaims, now: number): boolean {
  return now >= issuedAt + (expiresAt - issuedAt) / 2
}

/** The kubeconfig with another token. */
export function withToken(kubeconfig: string, token: string): string {
  const config = load(kubeconfig) as KubeconfigFile
  return dump({ ...config, users: config.users?.map((entry) => ({ ...entry, user: { ...entry.user, token } })) })
}
