import type { ContentState, WatchedCopy } from './content-state.ts'

/** After a copy was written again once; doubles with every time. Milliseconds. */
const FIRST_PAUSE_MS = 1_000
/** Also for how long nobody else must have written until the next time counts as the first. */
const LONGEST_PAUSE_MS = 3_600_000

interface SetRight {
  /** In a row. */
  readonly times: number
  /** Milliseconds since the epoch. */
  readonly pausedUntil: number
}

/** Copies that somebody else writes to in a leaf: who, and how soon they may be written again, so that two writers do not fight for ever. */
export class ContestedCopies<Key extends string> {
  /** What each was like when we first saw what we had written, whatever the leaf's admission made of it. */
  readonly #accepted = new Map<Key, ContentState>()
  readonly #setRight = new Map<Key, SetRight>()

  /** Who has written to the content of a copy since we did; undefined if nobody. What was there before this process came is held to be whole. */
  writerOf(key: Key, copy: WatchedCopy | undefined): string | undefined {
    const { content } = copy ?? {}
    const accepted = this.#accepted.get(key)
    this.#accepted.delete(key)
    if (!content) return undefined
    const isKnown = accepted?.version === content.version
    this.#accepted.set(key, isKnown ? accepted : content)
    if (content.others.length > 0) return content.others.join(', ')
    return isKnown && accepted.fields !== content.fields ? 'somebody' : undefined
  }

  /** Milliseconds until it may be written again; not more than 0: at once. */
  pauseMs(key: Key, now: number): number {
    return (this.#setRight.get(key)?.pausedUntil ?? now) - now
  }

  /** Takes up that a copy is written again; returns how often that was in a row, and how long it is left alone now, in milliseconds. */
  setRight(key: Key, now: number): { readonly times: number; readonly pauseMs: number } {
    for (const [other, { pausedUntil }] of this.#setRight)
      if (now - pausedUntil > LONGEST_PAUSE_MS) this.#setRight.delete(other)
    const times = (this.#setRight.get(key)?.times ?? 0) + 1
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (times - 1), LONGEST_PAUSE_MS)
    this.#setRight.set(key, { times, pausedUntil: now + pauseMs })
    return { times, pauseMs }
  }
}
