import {
  ApiError,
  Client,
  Connection,
  createTransport,
  haveSameServer,
  isRenewalDue,
  KubeConfigError,
  type KubeObject,
  loadKubeConfig,
  selfSubjectAccessReviews,
  tokenLife,
} from '@kosmos/kube'
import type { Beat } from './heartbeat.ts'
import { identify } from './identity.ts'

/** Why later credentials are not used: what the leaf answers them, or what is wrong with them in themselves. */
export type Declined = Extract<Beat, { kind: 'refused' }> | { readonly kind: 'unusable'; readonly message: string }

export interface LeafLoginOptions {
  readonly connection: Connection
  /** Self-contained kubeconfig that the connection was made from. */
  readonly kubeconfig: string
  /** The leaf is asked with other credentials now. */
  readonly onTaken: () => void
  readonly onDeclined: (declined: Declined) => void
}

/** With which credentials a leaf is asked: those in use, until later ones for the same server have been seen to work. */
export class LeafLogin {
  readonly #options: LeafLoginOptions
  #used: string
  /** Of the token in use, read once: a look at every heartbeat would cost more than anything else at rest. */
  #life: ReturnType<typeof tokenLife>
  #offered: string | undefined
  #declined: Declined | undefined
  #trial: Promise<void> | undefined

  constructor(options: LeafLoginOptions) {
    this.#options = options
    this.#used = options.kubeconfig
    this.#life = lifeOf(options.kubeconfig)
  }

  /** Whether it is time to ask the leaf for another token. */
  isRenewalDue(now: number): boolean {
    return this.#life !== undefined && isRenewalDue(this.#life, now)
  }

  /** The kubeconfig in use. */
  get kubeconfig(): string {
    return this.#used
  }

  get declined(): Declined | undefined {
    return this.#declined
  }

  /** Whether a kubeconfig is the one in use or the one that is tried. */
  knows(kubeconfig: string): boolean {
    return kubeconfig === (this.#offered ?? this.#used)
  }

  /** Whether a kubeconfig leads to the same server, so that the connection may go on with it. */
  fits(kubeconfig: string): boolean {
    const [used, offered] = [this.#used, kubeconfig].map((text) => loadKubeConfig({ text, selfContained: true }))
    return used !== undefined && offered !== undefined && haveSameServer(used, offered)
  }

  /** Credentials to try from now on, in place of those that were offered before; undefined: those in use stay. */
  offer(kubeconfig: string | undefined): void {
    this.#offered = kubeconfig === this.#used ? undefined : kubeconfig
    this.#declined = undefined
    this.tryOffered()
  }

  /** Tries what was offered, unless that is under way: the leaf may know it by now. */
  tryOffered(): void {
    const offered = this.#offered
    if (offered === undefined || this.#trial) return
    this.#trial = this.#try(offered).finally(() => {
      this.#trial = undefined
      if (this.#offered !== undefined && this.#offered !== offered) this.tryOffered()
    })
  }

  async #try(offered: string): Promise<void> {
    const { connection, onTaken, onDeclined } = this.#options
    let trial: Connection | undefined
    let declined: Declined | undefined
    try {
      const transport = await createTransport(loadKubeConfig({ text: offered, selfContained: true }))
      trial = new Connection(connection.name, transport)
      declined = await answerTo(new Client(trial, 'kosmos-cluster-tree'))
      if (!declined && this.#offered === offered && !connection.closed) {
        connection.logInBy(transport)
        this.#used = offered
        this.#life = lifeOf(offered)
        this.#offered = undefined
        this.#declined = undefined
        onTaken()
        return
      }
    } catch (error) {
      // Without an answer nothing is known of them.
      if (error instanceof KubeConfigError) declined = { kind: 'unusable', message: error.message }
    }
    await trial?.close()
    if (!declined || this.#offered !== offered || declined.message === this.#declined?.message) return
    this.#declined = declined
    onDeclined(declined)
  }
}

function lifeOf(kubeconfig: string): ReturnType<typeof tokenLife> {
  return tokenLife(loadKubeConfig({ text: kubeconfig }).getCurrentUser()?.token ?? '')
}

/** What a leaf refuses to who logs in like this, of what nothing goes without; undefined: nothing. Throws without an answer. */
async function answerTo(leaf: Client): Promise<Declined | undefined> {
  try {
    await identify(leaf)
    const attributes = { verb: 'create', resource: 'pods' }
    const spec = { resourceAttributes: attributes }
    const review = await leaf.create(selfSubjectAccessReviews, { kind: 'SelfSubjectAccessReview', spec } as KubeObject)
    if (!review.ok || review.object.status?.allowed !== false) return undefined
    return { kind: 'refused', code: 403, message: `${leaf.name}: pods may not be created` }
  } catch (error) {
    if (!(error instanceof ApiError) || (error.code !== 401 && error.code !== 403)) throw error
    return { kind: 'refused', code: error.code, message: error.message }
  }
}
