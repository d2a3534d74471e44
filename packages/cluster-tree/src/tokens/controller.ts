import {
  type Client,
  Controller,
  type Informer,
  type KubeObject,
  type ObjectKey,
  type Pod,
  type ReconcileObservation,
  type Requeue,
  secrets,
} from '@kosmos/kube'
import { LRUCache } from 'lru-cache'
import type { CopyInformer } from '../configuration/controller.ts'
import { ContestedCopies, type Stepped } from '../copies/contested.ts'
import { setRightBy } from '../copies/set-right.ts'
import { type Present, writeDelivery } from '../copies/write.ts'
import type { Waiting } from '../pods/waiting/waiting.ts'
import type { EventSink } from '../root/events.ts'
import type { PodsOnNodes } from '../root/pods-on-nodes.ts'
import type { RootAuthority } from './authority.ts'
import { tokensNotRenewed } from './events.ts'
import { type TokenIssuer, TokenRefused } from './issuer.ts'
import { planTokens } from './plan.ts'
import { type IssuedToken, isTokenSecret, tokenSecret } from './secret.ts'
import { tokenSecretName, tokenWishes } from './wishes.ts'

export interface PodTokensOptions {
  readonly leaf: Client
  readonly clusterName: string
  readonly rootClusterId: string
  readonly rootPods: Pick<PodsOnNodes, 'synced' | 'subscribe' | 'get'>
  readonly leafPods: Pick<Informer<Pod>, 'synced' | 'subscribe' | 'get'>
  /** Metadata of our Secrets in the leaf. */
  readonly leafSecrets: CopyInformer
  readonly issuer: Pick<TokenIssuer, 'issue'>
  readonly authority: Pick<RootAuthority, 'pem'>
  readonly events: EventSink
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

/** What is issued for a pod before it is in the leaf. */
type Issued = readonly IssuedToken[]

/** Gives every pod in a leaf the tokens that it asks for, in a Secret of its own, and renews them while it is there. */
export class PodTokens {
  readonly controller: Controller<ObjectKey>
  readonly #options: PodTokensOptions
  readonly #contested: ContestedCopies<ObjectKey>
  /** By uid of the root pod; until they are delivered, or not needed after all. */
  readonly #issued = new LRUCache<string, Issued>({ max: 1_000, ttl: 300_000 })

  constructor(options: PodTokensOptions) {
    this.#options = options
    this.#contested = new ContestedCopies(options)
    this.controller = new Controller({
      name: 'tokens',
      concurrency: 16,
      reconcile: (key) => this.#reconcile(key),
      ...(options.onReconcile && { onReconcile: options.onReconcile }),
    })
    this.controller.watch(options.rootPods, ({ key, type }) => (type === 'added' ? [key] : []))
    this.controller.watch(options.leafPods, ({ key, type }) => (type === 'added' ? [key] : []))
    this.controller.watch(options.leafSecrets, ({ object }) => {
      const owner = isTokenSecret(object) ? object.metadata?.ownerReferences?.[0]?.name : undefined
      return owner === undefined ? [] : [`${object.metadata?.namespace}/${owner}`]
    })
  }

  /**
   * Gets the tokens of a pod that is about to be created in the leaf, so that they follow it at once. Returns why the root does
   * not issue them.
   */
  async prepare(root: Pod): Promise<Waiting | undefined> {
    const { uid } = root.metadata
    if (this.#issued.has(uid)) return undefined
    try {
      this.#issued.set(uid, await this.#issue(root))
      return undefined
    } catch (error) {
      if (error instanceof TokenRefused) return { reason: 'TokenNotIssued', message: error.message }
      throw error
    }
  }

  async #issue(root: Pod): Promise<Issued> {
    return await Promise.all(tokenWishes(root.spec).map((wish) => this.#options.issuer.issue(root, wish)))
  }

  async #reconcile(key: ObjectKey): Promise<Requeue> {
    const root = this.#options.rootPods.get(key)
    const secret = root && this.#options.leafSecrets.get(`${root.metadata.namespace}/${tokenSecretName(root)}`)
    return await this.#contested.around(key, secret, (by) => this.#step(key, root, secret, by))
  }

  async #step(
    key: ObjectKey,
    root: Pod | undefined,
    secret: KubeObject | undefined,
    by: string | undefined,
  ): Promise<Stepped> {
    const leaf = this.#options.leafPods.get(key)
    const plan = planTokens({ root, leaf, secret, contested: by !== undefined, now: Date.now() })
    if (plan.kind === 'none') return plan.afterMs ? { afterMs: plan.afterMs } : undefined
    if (!root || !leaf) return
    try {
      const isWritten = await this.#deliver(root, leaf, plan.kind === 'replace' ? plan : undefined, by)
      return by !== undefined && isWritten ? { what: `Secret ${tokenSecretName(root)}`, toldOn: [root] } : undefined
    } catch (error) {
      this.#options.events.record(root, tokensNotRenewed((error as Error).message))
      throw error
    }
  }

  async #deliver(root: Pod, copy: Pod, present: Present | undefined, by: string | undefined): Promise<boolean> {
    const { leaf, rootClusterId, authority } = this.#options
    const tokens = this.#issued.get(root.metadata.uid) ?? (await this.#issue(root))
    const secret = tokenSecret({ root, copy, rootClusterId, tokens, authority: await authority.pem() })
    const isWritten = await writeDelivery(leaf, secrets, setRightBy(secret, by, new Date()), present)
    this.#issued.delete(root.metadata.uid)
    return isWritten
  }
}
