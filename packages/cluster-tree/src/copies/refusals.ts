import { CopyFailed, CopyRefused } from './refused.ts'

/** How long a control plane that is well may answer with errors: while it elects an etcd leader, or starts again. */
const PASSING_MS = 5_000

/** Why a leaf does not have what it should, by key: what it refuses at once, what fails when that goes on. */
export class CopyRefusals<Key extends string> {
  readonly #refusals = new Map<Key, string>()
  /** Since when attempts have failed, in ms of this process. */
  readonly #failingSince = new Map<Key, number>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** What the leaf said when it did not take it. */
  get(key: Key): string | undefined {
    return this.#refusals.get(key)
  }

  /**
   * Does a step for a key, and takes up what becomes of it.
   * @param onRefused hears why the leaf does not take it, and whether it said so before
   * @throws what the step throws
   */
  async around<T>(key: Key, step: () => Promise<T>, onRefused: (why: string, isNews: boolean) => void): Promise<T> {
    try {
      const result = await step()
      this.#refusals.delete(key)
      this.#failingSince.delete(key)
      return result
    } catch (error) {
      const why = this.#refusalIn(key, error)
      if (why !== undefined) {
        const isNews = this.#refusals.get(key) !== why
        this.#refusals.set(key, why)
        onRefused(why, isNews)
      }
      throw error
    }
  }

  #refusalIn(key: Key, error: unknown): string | undefined {
    if (error instanceof CopyRefused) return error.message
    if (!(error instanceof CopyFailed)) return undefined
    const since = this.#failingSince.get(key) ?? this.#now()
    this.#failingSince.set(key, since)
    return this.#now() - since >= PASSING_MS ? error.message : undefined
  }
}
