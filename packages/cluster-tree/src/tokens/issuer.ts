import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, type Outcome, type Pod, serviceAccounts } from '@kosmos/kube'
import { nodeIdentities } from '@kosmos/kubelet'
import type { IssuedToken } from './secret.ts'
import type { TokenWish } from './wishes.ts'

interface TokenRequest {
  readonly status: { readonly token: string; readonly expirationTimestamp: string }
}

/** The root issues no token for a pod: why, in its words. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused'
}

/** Not the token is refused, but to ask for it as somebody else. */
function isAboutImpersonation({ reason, status }: Extract<Outcome<unknown>, { ok: false }>): boolean {
  return reason === 'Forbidden' && /\bimpersonate\b/.test(status.message ?? '')
}

/** The root's node authorizer hears of a binding a moment after we do. */
const AUTHORIZER_LAG_MS = [0, 50, 200, 500]

/**
 * Gets tokens from the root by TokenRequest (KEP-1205), bound to the pod: it ends, and they do. They are asked for as the node where
 * we may impersonate it, so that the root itself keeps us to pods of our nodes and to audiences of their volumes, as it keeps a
 * kubelet; else by a right of our own.
 */
export class TokenIssuer {
  readonly #root: Client
  /** Which of the identities the root allows, once that is known. */
  #identity: number | undefined

  constructor(root: Client) {
    this.#root = root
  }

  /** @throws {TokenRefused} if the root does not issue it */
  async issue(pod: Pod, wish: TokenWish): Promise<IssuedToken> {
    let refusal = ''
    for (const pauseMs of AUTHORIZER_LAG_MS) {
      if (pauseMs > 0) await sleep(pauseMs)
      const issuedAt = Date.now()
      const outcome = await this.#request(pod, wish)
      if (outcome.ok) {
        const { token, expirationTimestamp } = outcome.object.status
        return { key: wish.key, token, issuedAt, expiresAt: Date.parse(expirationTimestamp) }
      }
      refusal = outcome.status.message ?? outcome.reason
      if (outcome.reason !== 'Forbidden') break
    }
    const { namespace, name } = pod.metadata
    throw new TokenRefused(
      `the root issues no token of ServiceAccount ${pod.spec.serviceAccountName} to pod ${namespace}/${name}: ${refusal}`,
    )
  }

  async #request(pod: Pod, wish: TokenWish): Promise<Outcome<TokenRequest>> {
    const all = nodeIdentities(pod.spec.nodeName ?? '')
    const known = this.#identity
    if (known !== undefined) return await this.#requestAs(pod, wish, all[known])
    for (const [index, headers] of all.entries()) {
      const outcome = await this.#requestAs(pod, wish, headers)
      if (outcome.ok) this.#identity = index
      if (outcome.ok || index === all.length - 1 || !isAboutImpersonation(outcome)) return outcome
    }
    throw new Error('unreachable')
  }

  async #requestAs(
    pod: Pod,
    { audience, expirationSeconds }: TokenWish,
    headers: Readonly<Record<string, string>> = {},
  ) {
    const { namespace, name, uid } = pod.metadata
    const account = { namespace, name: pod.spec.serviceAccountName ?? 'default' }
    const spec = {
      audiences: audience === undefined ? [] : [audience],
      expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    }
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec }
    return await this.#root.createFor<TokenRequest>(serviceAccounts, account, 'token', request as object, { headers })
  }
}
