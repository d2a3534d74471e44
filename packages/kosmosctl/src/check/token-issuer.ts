import { ApiError, type Client } from '@kosmos/kube'
import { ok, skipped, type Verdict, warning } from '../findings/finding.ts'

/** Names of the API server that mean in every cluster its own. */
const OWN_NAME = /^kubernetes(\.default(\.svc(\..+)?)?)?$/

/** Whom tokens of the root name as their issuer (OpenID Connect Discovery, KEP-1393); undefined: we are not told. */
export async function tokenIssuer(root: Client): Promise<string | undefined> {
  try {
    const { issuer } = (await root.raw('/.well-known/openid-configuration')) as { readonly issuer?: string }
    return issuer
  } catch (error) {
    if (error instanceof ApiError) return undefined
    throw error
  }
}

/** @param origin where pods reach the root's API server. Pure. */
export function issuerVerdict(origin: string | undefined, issuer: string | undefined): Verdict {
  if (origin === undefined) return skipped('pods in the leaf get no tokens of the root')
  if (issuer === undefined || !URL.canParse(issuer)) return skipped('the root does not say who issues its tokens')
  if (!OWN_NAME.test(new URL(issuer).hostname))
    return ok(`tokens are issued by ${issuer}, which is no name of the leaf's own`)
  return warning(
    `tokens of the root name ${issuer} as their issuer, which in the leaf is the leaf's own API server: programs that verify tokens by their issuer (OIDC discovery) fail there`,
    `give the root's API server --service-account-issuer=${origin} and --service-account-jwks-uri=${origin}/openid/v1/jwks before its --service-account-issuer=${issuer}: docs/how-to/let-pods-reach-the-root.md`,
  )
}
