export interface SettlingOptions {
  /** A key is due when nothing has moved it for so long, in milliseconds. */
  readonly stillMs: number
  /** What tells the time, in milliseconds. */
  readonly now?: () => number
}

interface Moving {
  readonly lastAt: number
  readonly latestAt: number
}

/** When to act on keys that move in bursts: once they are still, and by a latest time also while they move. */
export class Settling<Key> {
  readonly #stillMs: number
  readonly #now: () => number
  readonly #moving = new Map<Key, Moving>()

  constructor({ stillMs, now = () => performance.now() }: SettlingOptions) {
    this.#stillMs = stillMs
    this.#now = now
  }

  /** Keys that have moved and were not due yet. */
  get size(): number {
    return this.#moving.size
  }

  /** Something happened to the key that is to be acted on so many milliseconds later at the latest. */
  moved(key: Key, withinMs: number): void {
    const now = this.#now()
    const latestAt = Math.min(now + withinMs, this.#moving.get(key)?.latestAt ?? Number.POSITIVE_INFINITY)
    this.#moving.set(key, { lastAt: now, latestAt })
  }

  /** Milliseconds until the key is due; 0: it is, and counts as still from now on. */
  dueInMs(key: Key): number {
    const { lastAt, latestAt } = this.#moving.get(key) ?? { lastAt: Number.NEGATIVE_INFINITY, latestAt: 0 }
    const dueInMs = Math.min(lastAt + this.#stillMs, latestAt) - this.#now()
    if (dueInMs > 0) return dueInMs
    this.#moving.delete(key)
    return 0
  }
}
