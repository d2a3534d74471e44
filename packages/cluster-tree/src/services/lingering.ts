/** Namespaces whose last pod has gone, and which may get another at once. Forgets them when their time is over. */
export class Lingering {
  /** Until when, in milliseconds since the epoch; in the order in which they went. */
  readonly #until = new Map<string, number>()
  readonly #lingerMs: number

  constructor(lingerMs: number) {
    this.#lingerMs = lingerMs
  }

  get size(): number {
    return this.#until.size
  }

  begin(namespace: string, now: number): void {
    for (const [earlier, until] of this.#until) {
      if (until > now) break
      this.#until.delete(earlier)
    }
    this.#until.delete(namespace)
    this.#until.set(namespace, now + this.#lingerMs)
  }

  end(namespace: string): void {
    this.#until.delete(namespace)
  }

  /** How long a namespace still lingers; zero or less: it does not. */
  leftMs(namespace: string, now: number): number {
    return (this.#until.get(namespace) ?? now) - now
  }
}
