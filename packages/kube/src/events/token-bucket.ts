/** Holds up to `burst` tokens and gains `perSecond`. Pure: times are passed in, ms of any clock; one that is set back goes on from there. */
export class TokenBucket {
  readonly #burst: number
  readonly #perSecond: number
  #tokens: number
  #at: number

  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#tokens = burst
    this.#at = now
  }

  has(now: number): boolean {
    this.#fill(now)
    return this.#tokens >= 1
  }

  take(now: number): void {
    this.#fill(now)
    this.#tokens -= 1
  }

  #fill(now: number): void {
    const gained = (Math.max(0, now - this.#at) / 1000) * this.#perSecond
    this.#tokens = Math.min(this.#burst, this.#tokens + gained)
    this.#at = now
  }
}
