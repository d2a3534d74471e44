import { lastShare, type Method, nextShare, type Share } from './seats.ts'

/** The `allot` of a number of pods that grows and shrinks: each one more, or less, is one seat, and none is gone through again. */
export class Allotment {
  readonly #shares: readonly Share[]
  readonly #method: Method
  readonly #counts: number[]
  #sum = 0

  constructor(shares: readonly Share[], method: Method) {
    this.#shares = shares
    this.#method = method
    this.#counts = shares.map(() => 0)
  }

  /** How many of `pods` pods each share gets; in as many steps as that is more or less than at the last call. */
  of(pods: number): readonly number[] {
    while (this.#sum < pods && this.#move(nextShare(this.#shares, this.#method, this.#counts), 1));
    while (this.#sum > pods && this.#move(lastShare(this.#shares, this.#method, this.#counts), -1));
    return [...this.#counts]
  }

  /** Whether there was a seat to give or to take back. */
  #move(share: number | undefined, by: 1 | -1): boolean {
    if (share === undefined) return false
    this.#counts[share] = (this.#counts[share] ?? 0) + by
    this.#sum += by
    return true
  }
}
