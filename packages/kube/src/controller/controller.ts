import type { KubeObject } from '../objects/types.ts'
import { errorOf, observe } from '../observe/observe.ts'
import type { BackoffOptions } from '../queue/backoff.ts'
import { WorkQueue } from '../queue/work-queue.ts'
import { aborted } from '../signals/aborted.ts'
import type { Change } from '../store/store.ts'

/** What a reconcile asks for next: nothing, or to be called again after a while although nothing changes. */
export type Requeue = { readonly afterMs: number } | undefined

export interface ReconcileObservation {
  readonly controller: string
  readonly key: string
  readonly seconds: number
  readonly error?: Error
}

export interface ControllerOptions<Key extends string> {
  readonly name: string
  /** Brings one key from what is to what should be. Throwing means: again, later. */
  readonly reconcile: (key: Key) => Promise<Requeue>
  readonly concurrency?: number
  readonly backoff?: BackoffOptions
  readonly onReconcile?: (observation: ReconcileObservation) => void
}

interface Source<T extends KubeObject> {
  subscribe(subscriber: (change: Change<T>) => void): () => void
  readonly synced: Promise<void>
}

/**
 * Sources → keys → `reconcile(key)`. Keys gather from the start, but nothing is reconciled before every source has
 * synced, so that a slow start never looks like an empty cluster. Each controller has a queue and lanes of its own:
 * give every leaf its own controller, and none can starve another.
 */
export class Controller<Key extends string = string> {
  readonly name: string
  readonly #options: ControllerOptions<Key>
  readonly #queue: WorkQueue<Key>
  readonly #synced: Promise<unknown>[] = []
  readonly #unsubscribe: (() => void)[] = []

  constructor(options: ControllerOptions<Key>) {
    this.name = options.name
    this.#options = options
    this.#queue = new WorkQueue<Key>({
      work: (key) => this.#reconcile(key),
      autoStart: false,
      ...(options.concurrency && { concurrency: options.concurrency }),
      ...(options.backoff && { backoff: options.backoff }),
    })
  }

  get depth(): number {
    return this.#queue.depth
  }

  /** Reconciles the keys that a change concerns; called before {@link run}. */
  watch<T extends KubeObject>(source: Source<T>, keysOf: (change: Change<T>) => Iterable<Key>): this {
    this.#synced.push(source.synced)
    this.#unsubscribe.push(
      source.subscribe((change) => {
        for (const key of keysOf(change)) this.enqueue(key)
      }),
    )
    return this
  }

  /** Reconciles nothing before this has resolved as well, for knowledge that comes by another way than a source. */
  waitFor(synced: Promise<unknown>): this {
    this.#synced.push(synced)
    return this
  }

  /** For causes that no source tells of. */
  enqueue(key: Key): void {
    this.#queue.add(key)
  }

  enqueueAfter(key: Key, delayMs: number): void {
    this.#queue.addAfter(key, delayMs)
  }

  /**
   * Waits for the sources to sync, then works until the signal aborts and what runs has ended. Rejects as what it waits
   * for does.
   */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = aborted(signal)
    try {
      await Promise.race([stopped, Promise.all(this.#synced)])
      if (!signal.aborted) this.#queue.start()
      await stopped
    } finally {
      for (const unsubscribe of this.#unsubscribe) unsubscribe()
      await this.#queue.close()
    }
  }

  async #reconcile(key: Key): Promise<void> {
    const started = performance.now()
    const { reconcile, onReconcile } = this.#options
    const report = (outcome: { readonly error?: Error }) =>
      observe(onReconcile, { controller: this.name, key, seconds: (performance.now() - started) / 1000, ...outcome })
    try {
      const requeue = await reconcile(key)
      if (requeue) this.#queue.addAfter(key, requeue.afterMs)
      report({})
    } catch (thrown) {
      report({ error: errorOf(thrown) })
      throw thrown
    }
  }
}
