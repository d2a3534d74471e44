import type { KubeObject, Requeue } from '@kosmos/kube'
import type { EventSink } from '../root/events.ts'
import type { ContentState, WatchedCopy } from './content-state.ts'
import { changedInLeaf, type Quarrel } from './events.ts'

/** After a copy was written again once; doubles with every time. Milliseconds. */
const FIRST_PAUSE_MS = 1_000
/** Also for how long nobody else must have written until the next time counts as the first. */
const LONGEST_PAUSE_MS = 3_600_000

/** Fields that no copy has. */
const NOT_THESE = ''

interface Pause {
  /** In a row. */
  readonly times: number
  /** Milliseconds since the epoch. */
  readonly pausedUntil: number
}

/** A copy was written over what somebody else wrote. */
export interface SetRight {
  /** E.g. `ConfigMap settings`. */
  readonly what: string
  /** Objects of the root whose users should know. */
  readonly toldOn: readonly KubeObject[]
}

export type Stepped = Requeue | SetRight

export interface ContestedCopiesOptions {
  readonly clusterName: string
  /** Hears that a copy was set right. */
  readonly events: EventSink
}

/** Copies that somebody else writes to in a leaf: who, and how soon they may be written again, so that two writers do not fight for ever. */
export class ContestedCopies<Key extends string> {
  /** What each was like when we first saw what we had written, whatever the leaf's admission made of it. */
  readonly #accepted = new Map<Key, Pick<ContentState, 'version' | 'fields'>>()
  readonly #pauses = new Map<Key, Pause>()
  readonly #options: ContestedCopiesOptions
  readonly #now: () => number

  /** @param now milliseconds since the epoch */
  constructor(options: ContestedCopiesOptions, now: () => number = Date.now) {
    this.#options = options
    this.#now = now
  }

  /**
   * Does a step for a copy, and takes up that it was set right.
   * @param step gets who else has written to the copy; undefined if nobody, or while theirs is left
   * @returns when to look again: as the step says, or sooner if what somebody writes is left until then
   */
  async around(
    key: Key,
    copy: WatchedCopy | undefined,
    step: (by: string | undefined) => Promise<Stepped>,
  ): Promise<Requeue> {
    const by = this.#writerOf(key, copy)
    const pauseMs = by === undefined ? 0 : this.#pauseMs(key)
    const stepped = await step(pauseMs > 0 ? undefined : by)
    if (!stepped || !('toldOn' in stepped))
      return pauseMs > 0 ? { afterMs: Math.min(stepped?.afterMs ?? pauseMs, pauseMs) } : stepped
    if (by === undefined) return
    const quarrel = { by, ...this.#takeUp(key) }
    const notice = changedInLeaf(stepped.what, this.#options.clusterName, quarrel)
    for (const object of stepped.toldOn) this.#options.events.record(object, notice)
    return { afterMs: quarrel.pauseMs }
  }

  /** Who has written to the content of a copy since we did; undefined if nobody. What was there before this process came is to have the fields that we noted. */
  #writerOf(key: Key, copy: WatchedCopy | undefined): string | undefined {
    const { content } = copy ?? {}
    const accepted = this.#accepted.get(key)
    this.#accepted.delete(key)
    if (!content) return undefined
    const isKnown = accepted?.version === content.version
    // What is not there after a change of ours the leaf's API server does not know.
    const fields = accepted || content.isWhole ? content.fields : NOT_THESE
    const { fields: whole } = isKnown ? accepted : { fields }
    this.#accepted.set(key, { version: content.version, fields: whole })
    if (content.others.length > 0) return content.others.join(', ')
    return whole === content.fields ? undefined : 'somebody'
  }

  /** Milliseconds until it may be written again; not more than 0: at once. */
  #pauseMs(key: Key): number {
    const now = this.#now()
    return (this.#pauses.get(key)?.pausedUntil ?? now) - now
  }

  #takeUp(key: Key): Pick<Quarrel, 'times' | 'pauseMs'> {
    const now = this.#now()
    for (const [other, { pausedUntil }] of this.#pauses)
      if (now - pausedUntil > LONGEST_PAUSE_MS) this.#pauses.delete(other)
    const times = (this.#pauses.get(key)?.times ?? 0) + 1
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (times - 1), LONGEST_PAUSE_MS)
    this.#pauses.set(key, { times, pausedUntil: now + pauseMs })
    return { times, pauseMs }
  }
}
