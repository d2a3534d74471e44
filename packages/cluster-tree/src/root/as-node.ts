import type { Outcome } from '@kosmos/kube'
import { nodeIdentities } from '@kosmos/kubelet'

/** Not what is asked for is refused, but to ask for it as somebody else. */
function isAboutImpersonation({ reason, status }: Extract<Outcome<unknown>, { ok: false }>): boolean {
  return reason === 'Forbidden' && /\bimpersonate\b/.test(status.message ?? '')
}

/**
 * Sends requests of one kind as the node where we may impersonate it, so that the root itself keeps us to what it allows a kubelet:
 * pods of our nodes, and what their volumes ask for. Else by a right of our own.
 */
export class AsNode {
  /** Which of the identities the root allows, once that is known. */
  #identity: number | undefined

  async send<T>(
    nodeName: string,
    request: (headers: Readonly<Record<string, string>>) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    const all = nodeIdentities(nodeName)
    if (this.#identity !== undefined) {
      const outcome = await request(all[this.#identity] ?? {})
      if (outcome.ok || !isAboutImpersonation(outcome)) return outcome
      // Its rights have been changed since.
      this.#identity = undefined
    }
    for (const [index, headers] of all.entries()) {
      const outcome = await request(headers)
      if (outcome.ok) this.#identity = index
      if (outcome.ok || index === all.length - 1 || !isAboutImpersonation(outcome)) return outcome
    }
    throw new Error('unreachable')
  }
}
