import { microTime } from '../objects/micro-time.ts'
import type { KubeObject } from '../objects/types.ts'
import { type EventContent, type EventRef, type EventReporter, type EventSeries, newEvent } from './event.ts'

/** What happens to one object again and again, and what of it the API server knows. Times are ms since the epoch. */
export class Series {
  readonly regarding: EventRef
  readonly content: EventContent
  /** The object as it is created. */
  event: KubeObject
  count = 0
  #lastAt = 0
  #writtenCount = 0
  #triedAt = Number.NEGATIVE_INFINITY
  #writing = false
  #failed = false

  constructor(regarding: EventRef, content: EventContent, reporter: EventReporter, at: number) {
    this.regarding = regarding
    this.content = content
    this.event = newEvent(regarding, content, reporter, at)
  }

  happened(at: number): void {
    this.count++
    this.#lastAt = at
  }

  /** Whether the API server knows of the event at all. */
  get exists(): boolean {
    return this.#writtenCount > 0
  }

  get isBehind(): boolean {
    return this.count > this.#writtenCount
  }

  /** The event and its first repetition at once, further ones together, and what failed not at once. */
  isDue(now: number, intervalMs: number): boolean {
    if (this.#writing || !this.isBehind) return false
    // Somebody may have set the clock back.
    const isRested = now - this.#triedAt >= intervalMs || now < this.#triedAt
    return isRested || (!this.#failed && this.#writtenCount <= 1)
  }

  isOver(now: number, finishMs: number): boolean {
    return !this.#writing && now - this.#lastAt >= finishMs
  }

  /** Undefined for what happened once. */
  get series(): EventSeries | undefined {
    return this.count < 2 ? undefined : { count: this.count, lastObservedTime: microTime(new Date(this.#lastAt)) }
  }

  writing(now: number): void {
    this.#writing = true
    this.#triedAt = now
  }

  /** A write has ended that told the first `count` times. */
  wrote(count: number): void {
    this.#writing = false
    this.#failed = false
    this.#writtenCount = count
  }

  /** A write has failed, or was not made. */
  failed(now: number): void {
    this.#writing = false
    this.#failed = true
    this.#triedAt = now
  }

  /** Its object is gone (events live for an hour): the next write creates another. */
  vanished(reporter: EventReporter, now: number): void {
    this.event = newEvent(this.regarding, this.content, reporter, now)
    this.#writing = false
    this.#writtenCount = 0
  }
}

/** What makes two events the same: everything that a reader sees of them but the time. */
export function seriesKey(regarding: EventRef, { type, reason, action, note, related }: EventContent): string {
  return JSON.stringify([refKey(regarding), type, reason, action, note, related && refKey(related)])
}

export function refKey({ kind, namespace, name, uid, fieldPath }: EventRef): string {
  return [kind, namespace, name, uid, fieldPath].join('/')
}
