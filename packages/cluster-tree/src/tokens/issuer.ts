import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, Outcome, Pod, TokenRequest } from '@kosmos/kube'
import { AsNode } from '../root/as-node.ts'
import type { IssuedToken } from './secret.ts'
import type { TokenWish } from './wishes.ts'

/** The root issues no token for a pod: why, in its words. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused'
}

/** The root's node authorizer hears of a binding a moment after we do. */
const AUTHORIZER_LAG_MS = [0, 50, 200, 500]

/**
 * Gets tokens from the root by TokenRequest (KEP-1205), bound to the pod: it ends, and they do. They are asked for as the
 * node, as a kubelet does.
 */
export class TokenIssuer {
  readonly #root: Client
  readonly #asNode = new AsNode()

  constructor(root: Client) {
    this.#root = root
  }

  /** @throws {TokenRefused} if the root does not issue it */
  async issue(pod: Pod, wish: TokenWish): Promise<IssuedToken> {
    let refusal = ''
    for (const pauseMs of AUTHORIZER_LAG_MS) {
      if (pauseMs > 0) await sleep(pauseMs)
      const issuedAt = Date.now()
      const outcome = await this.#asNode.send(pod.spec.nodeName ?? '', (headers) => this.#request(pod, wish, headers))
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

  async #request(
    pod: Pod,
    { audience, expirationSeconds }: TokenWish,
    headers: Readonly<Record<string, string>>,
  ): Promise<Outcome<TokenRequest>> {
    const { namespace, name, uid } = pod.metadata
    const account = { namespace, name: pod.spec.serviceAccountName ?? 'default' }
    const spec = {
      audiences: audience === undefined ? [] : [audience],
      expirationSeconds,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
    }
    return await this.#root.requestToken(account, spec, { headers })
  }
}
