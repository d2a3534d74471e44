import { TokenBucket } from './token-bucket.ts'

export interface EventBudgetOptions {
  /** For each object and type: the spam filter of client-go's tools/record, 25 and 1 in 5 minutes. */
  readonly perObject?: { readonly burst: number; readonly perSecond: number }
  /** For all Normal events together, 100 and 10 a second: many pods that start at once are no news. */
  readonly normal?: { readonly burst: number; readonly perSecond: number }
}

/** Objects whose spending is remembered. */
const MAX_OBJECTS = 4096

/** How many writes events may cost. Warnings are limited for each object only. */
export class EventBudget {
  readonly #perObject: { readonly burst: number; readonly perSecond: number }
  readonly #normal: TokenBucket
  readonly #objects = new Map<string, TokenBucket>()

  constructor(options: EventBudgetOptions, now: number) {
    const { perObject = { burst: 25, perSecond: 1 / 300 }, normal = { burst: 100, perSecond: 10 } } = options
    this.#perObject = perObject
    this.#normal = new TokenBucket(normal.burst, normal.perSecond, now)
  }

  /** Whether a write may be made now; if so, it counts. */
  spend(object: string, type: 'Normal' | 'Warning', now: number): boolean {
    const key = `${type}/${object}`
    const bucket = this.#objects.get(key) ?? new TokenBucket(this.#perObject.burst, this.#perObject.perSecond, now)
    if (!bucket.has(now) || (type === 'Normal' && !this.#normal.has(now))) return false
    bucket.take(now)
    if (type === 'Normal') this.#normal.take(now)
    this.#remember(key, bucket)
    return true
  }

  #remember(key: string, bucket: TokenBucket): void {
    // The order of the map is that of the last use.
    this.#objects.delete(key)
    this.#objects.set(key, bucket)
    for (const oldest of this.#objects.keys()) {
      if (this.#objects.size <= MAX_OBJECTS) return
      this.#objects.delete(oldest)
    }
  }
}
