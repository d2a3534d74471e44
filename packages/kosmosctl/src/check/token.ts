/** When the token in a kubeconfig was issued and ends, in ms since the epoch; undefined if it says nothing of it. */
export interface TokenLife {
  readonly issuedAt: number
  readonly expiresAt: number
}

/** Reads `iat` and `exp` of a JWT (RFC 7519) without verifying it: only its issuer can. Pure. */
export function tokenLife(token: string | undefined): TokenLife | undefined {
  const payload = token?.split('.')[1]
  if (payload === undefined) return undefined
  try {
    const { iat, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString())
    return typeof iat === 'number' && typeof exp === 'number'
      ? { issuedAt: iat * 1000, expiresAt: exp * 1000 }
      : undefined
  } catch {
    return undefined
  }
}
