import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, namespaces } from '@kosmos/kube'

export interface SameLeafOptions {
  readonly leaf: Client
  /** uid of the leaf's kube-system namespace. */
  readonly leafId: string
  /** It is the one that it was. */
  readonly onSame: () => void
  /** Another cluster answers in its place. */
  readonly onOther: () => void
}

/** Between attempts to ask a leaf that does not answer. */
const RETRY_MS = 1_000

/**
 * Whether the cluster that answers is the one whose pods are known: behind the same address, with the same authority, may be another
 * one by now (made anew with the keys of the first, or a name that leads elsewhere). What is not in that one has not vanished.
 */
export class SameLeaf {
  readonly #options: SameLeafOptions
  #doubts = 0
  #settled = 0
  #answer: PromiseWithResolvers<void> | undefined

  constructor(options: SameLeafOptions) {
    this.#options = options
  }

  /** True until the leaf has said that it is the same, after each {@link ask}. */
  get isDoubted(): boolean {
    return this.#settled < this.#doubts
  }

  /** While the leaf is doubted: resolves when it has said that it is the same, rejects if it is another or nobody asks any more. */
  get answered(): Promise<void> | undefined {
    return this.isDoubted ? this.#answer?.promise : undefined
  }

  /** Asks the leaf which cluster it is, until it says. */
  async ask(signal: AbortSignal): Promise<void> {
    const isAsked = this.isDoubted
    this.#doubts++
    if (isAsked) return
    const answer = Promise.withResolvers<void>()
    this.#answer = answer
    // Whether somebody waits for it or not.
    answer.promise.catch(() => {})
    while (this.isDoubted && !signal.aborted) {
      const doubts = this.#doubts
      const id = await this.#id(signal)
      if (id === undefined) await sleep(RETRY_MS, undefined, { signal }).catch(() => {})
      else if (id === this.#options.leafId) this.#settled = doubts
      else {
        answer.reject(new Error(`${this.#options.leaf.name}: another cluster answers in its place`))
        return this.#options.onOther()
      }
    }
    if (signal.aborted) return answer.reject(new Error(`${this.#options.leaf.name}: given up before it said who it is`))
    answer.resolve()
    this.#options.onSame()
  }

  async #id(signal: AbortSignal): Promise<string | undefined> {
    try {
      return (await this.#options.leaf.get(namespaces, { name: 'kube-system' }, signal))?.metadata.uid
    } catch {
      return undefined
    }
  }
}
