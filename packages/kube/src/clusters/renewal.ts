import type { Client } from '../client/client.ts'
import { secrets } from '../objects/resources.ts'
import type { Secret } from '../objects/types.ts'
import { isRenewalDue, tokenClaims, withToken } from './token.ts'

export interface RenewalOptions {
  readonly root: Client
  readonly leaf: Client
  /** The Secret that the kubeconfig came from, as the cache has it. */
  readonly secret: Secret
  readonly key: string
  readonly kubeconfig: string
}

/** For each request: a heartbeat waits for it, and what fails is tried again. */
const timeoutMs = 5_000

/**
 * Renews the token by which a leaf is reached, when half of its life has passed: asks the leaf for another one of the
 * same account and length, and stores it where the old one was. Returns whether it did.
 */
export async function renewToken(options: RenewalOptions, now = Date.now()): Promise<boolean> {
  const { root, leaf, secret, key, kubeconfig } = options
  const claims = tokenClaims(kubeconfig)
  if (!claims || !isRenewalDue(claims, now)) return false
  // Somebody has changed the Secret: what is in there now is for the leaf that follows.
  if (secret.data?.[key] !== Buffer.from(kubeconfig).toString('base64')) return false
  const account = { namespace: claims.namespace, name: claims.serviceAccount }
  const expirationSeconds = Math.round((claims.expiresAt - claims.issuedAt) / 1000)
  const how = { timeoutMs }
  const request = await leaf.requestToken(account, { expirationSeconds }, how)
  if (!request.ok) {
    throw new Error(
      `${leaf.name}: the token of ${account.namespace}/${account.name} cannot be renewed: ${request.status.message}`,
    )
  }
  const { name, namespace, uid, resourceVersion } = secret.metadata
  const data = { [key]: Buffer.from(withToken(kubeconfig, request.object.status.token)).toString('base64') }
  const stored = await root.patch(
    secrets,
    { namespace, name },
    { metadata: { uid, resourceVersion }, data },
    { type: 'merge', ...how },
  )
  if (!stored.ok && stored.reason !== 'Conflict') {
    throw new Error(`Secret ${namespace}/${name} cannot take the renewed token: ${stored.status.message}`)
  }
  return stored.ok
}
