import PQueue from 'p-queue'
import { errorOf, observe } from '../observe/observe.ts'
import { type BackoffOptions, backoffMs } from './backoff.ts'

export interface WorkQueueOptions<Key extends string> {
  /** Works on one key. A rejection puts the key back with exponential backoff. */
  readonly work: (key: Key) => Promise<void>
  /** Keys worked on at the same time. */
  readonly concurrency?: number
  readonly backoff?: BackoffOptions
  /** False: keys gather, and nothing is worked on before {@link WorkQueue.start}. */
  readonly autoStart?: boolean
  readonly onFailure?: (key: Key, error: Error, failures: number) => void
}

/** Timers hear neither that the clock was set nor that the machine slept: who waits for a date is asked once an hour whether it is here. */
const LONGEST_DELAY_MS = 3_600_000

interface Entry {
  running: boolean
  /** Has a lane to come; while the key runs: was added again and runs once more afterwards. */
  waiting: boolean
  failures: number
  timer: NodeJS.Timeout | undefined
  dueAt: number
}

/**
 * Keys that need work: each is worked on by one at a time, added twice while waiting counts once, added while it is
 * worked on means once more afterwards. What fails comes back later and holds nobody else up.
 */
export class WorkQueue<Key extends string = string> {
  readonly #options: WorkQueueOptions<Key>
  readonly #lanes: PQueue
  readonly #entries = new Map<Key, Entry>()
  #closed = false

  constructor(options: WorkQueueOptions<Key>) {
    this.#options = options
    this.#lanes = new PQueue({ concurrency: options.concurrency ?? 16, autoStart: options.autoStart ?? true })
  }

  /** Keys waiting for a lane. */
  get depth(): number {
    return this.#lanes.size
  }

  /** Begins to work, where `autoStart` was false. */
  start(): void {
    this.#lanes.start()
  }

  /** Works on the key as soon as there is a lane. */
  add(key: Key): void {
    if (this.#closed) return
    const entry = this.#entry(key)
    this.#cancelTimer(entry)
    if (entry.waiting) return
    entry.waiting = true
    if (!entry.running) this.#enqueue(key, entry)
  }

  /** Adds the key after a delay, of more than an hour too early; an earlier due time wins, an add in between makes it needless. */
  addAfter(key: Key, delayMs: number): void {
    if (this.#closed) return
    // Not-a-number as well: too early is harmless, never is not.
    if (!(delayMs > 0)) {
      this.add(key)
      return
    }
    const entry = this.#entry(key)
    const waitMs = Math.min(delayMs, LONGEST_DELAY_MS)
    const dueAt = performance.now() + waitMs
    if (entry.waiting || (entry.timer && entry.dueAt <= dueAt)) return
    this.#cancelTimer(entry)
    entry.dueAt = dueAt
    entry.timer = setTimeout(() => this.add(key), waitMs)
  }

  /** Takes nothing more; resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#closed = true
    for (const entry of this.#entries.values()) this.#cancelTimer(entry)
    this.#lanes.clear()
    await this.#lanes.onIdle()
  }

  #entry(key: Key): Entry {
    let entry = this.#entries.get(key)
    if (!entry) {
      entry = { running: false, waiting: false, failures: 0, timer: undefined, dueAt: 0 }
      this.#entries.set(key, entry)
    }
    return entry
  }

  #enqueue(key: Key, entry: Entry): void {
    void this.#lanes.add(() => this.#run(key, entry))
  }

  async #run(key: Key, entry: Entry): Promise<void> {
    entry.waiting = false
    entry.running = true
    try {
      await this.#options.work(key)
      entry.failures = 0
    } catch (thrown) {
      entry.failures++
      observe(this.#options.onFailure, key, errorOf(thrown), entry.failures)
      this.addAfter(key, backoffMs(entry.failures, this.#options.backoff))
    } finally {
      entry.running = false
      if (entry.waiting && !this.#closed) this.#enqueue(key, entry)
      else if (!entry.timer) this.#entries.delete(key)
    }
  }

  #cancelTimer(entry: Entry): void {
    clearTimeout(entry.timer)
    entry.timer = undefined
  }
}
