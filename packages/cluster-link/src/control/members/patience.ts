/** How long those are waited for who may never answer, by name. Times are milliseconds of one clock. */
export class Patience {
  readonly #forMs: number
  readonly #since = new Map<string, number>()

  constructor(forMs: number) {
    this.#forMs = forMs
  }

  /** Whether to go on waiting; the first question begins it. */
  lasts(name: string, now: number): boolean {
    const since = this.#since.get(name) ?? now
    this.#since.set(name, since)
    return now - since < this.#forMs
  }

  /** Waiting is over: the next time begins anew. */
  forget(name: string): void {
    this.#since.delete(name)
  }
}
