import { errorOf } from '../../observe/observe.ts'
import { backoffMs } from '../../queue/backoff.ts'
import { aborted } from '../../signals/aborted.ts'

export interface ShardWorkersOptions {
  /** Works on a shard until the signal aborts. */
  readonly onShard: (shard: string, signal: AbortSignal) => Promise<void> | void
  readonly onError: (error: Error) => void
  /** A worker has ended, or one that failed may start again. */
  readonly onIdle: () => void
}

interface Worker {
  readonly stop: AbortController
  readonly ended: Promise<void>
}

/** At most one worker for each shard: one that was stopped has to end before the next starts. */
export class ShardWorkers {
  readonly #options: ShardWorkersOptions
  readonly #workers = new Map<string, Worker>()
  readonly #failures = new Map<string, number>()
  readonly #resting = new Set<string>()

  constructor(options: ShardWorkersOptions) {
    this.#options = options
  }

  /** Nothing happens if one runs, has not ended yet, or failed a moment ago: call it again on idle. */
  start(shard: string): void {
    if (this.#workers.has(shard) || this.#resting.has(shard)) return
    const stop = new AbortController()
    this.#workers.set(shard, { stop, ended: this.#work(shard, stop.signal) })
  }

  /** Resolves when no worker of the shard is left. */
  async stop(shard: string): Promise<void> {
    const worker = this.#workers.get(shard)
    worker?.stop.abort()
    await worker?.ended
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#workers.keys()].map((shard) => this.stop(shard)))
  }

  async #work(shard: string, signal: AbortSignal): Promise<void> {
    try {
      // Not before the worker is on the list that its end takes it from.
      await Promise.resolve()
      await this.#options.onShard(shard, signal)
      this.#failures.delete(shard)
      // Its work may be something that needs no waiting for; the shard stays its own.
      await aborted(signal)
    } catch (error) {
      this.#options.onError(errorOf(error))
      if (!signal.aborted) this.#rest(shard)
    }
    this.#workers.delete(shard)
    this.#options.onIdle()
  }

  #rest(shard: string): void {
    const failures = (this.#failures.get(shard) ?? 0) + 1
    this.#failures.set(shard, failures)
    this.#resting.add(shard)
    setTimeout(() => {
      this.#resting.delete(shard)
      this.#options.onIdle()
    }, backoffMs(failures)).unref()
  }
}
