import { hostname } from 'node:os'
import PQueue from 'p-queue'
import type { Client } from '../client/client.ts'
import type { Outcome } from '../client/outcome.ts'
import { events } from '../objects/resources.ts'
import type { Event } from '../objects/types.ts'
import { pause } from '../signals/pause.ts'
import { EventBudget, type EventBudgetOptions } from './budget.ts'
import type { EventContent, EventRef, EventReporter } from './event.ts'
import { refKey, Series, seriesKey } from './series.ts'

export interface EventRecorderOptions {
  readonly client: Client
  /** A qualified name like `kosmos.io/cluster-tree`. */
  readonly controller: string
  /** Which replica; the host's name if missing. */
  readonly instance?: string
  readonly budget?: EventBudgetOptions
  /** Writes that wait at most. */
  readonly maxQueued?: number
  /** How often the repetitions of an event are written at most, and how soon a failed write is made again. */
  readonly seriesIntervalMs?: number
  /** ms since the epoch. */
  readonly now?: () => number
}

/** Counts since the start, for metrics. */
export interface EventCounters {
  /** Calls of `record`. */
  recorded: number
  /** Of these, repetitions that only raised the count of a series. */
  repeated: number
  /** Writes that the API server took. */
  written: number
  /** Writes that did not happen, since the budget was spent. */
  overBudget: number
  /** Events that were dropped, since too many writes waited. */
  queueFull: number
  /** Writes that failed; they are made again while the event is fresh. */
  failed: number
  /** Writes that the API server refused; they are not made again. */
  refused: number
}

/** A series ends when nothing happened for this long (client-go's tools/events). */
const FINISH_MS = 360_000
/** Series in memory; the oldest go first. */
const MAX_SERIES = 4096
const CONCURRENT_WRITES = 4

/**
 * Records Events (events.k8s.io/v1) that `kubectl describe` shows: the same event again within six minutes raises the count
 * of a series, as client-go's tools/events has it, and a budget limits the writes. It never throws and never waits; what
 * it leaves out is counted.
 */
export class EventRecorder {
  readonly counters: Readonly<EventCounters>
  readonly #counters: EventCounters
  readonly #client: Client
  readonly #reporter: EventReporter
  readonly #budget: EventBudget
  readonly #queue = new PQueue({ concurrency: CONCURRENT_WRITES })
  readonly #series = new Map<string, Series>()
  readonly #maxQueued: number
  readonly #intervalMs: number
  readonly #now: () => number
  #timer: NodeJS.Timeout | undefined

  constructor(options: EventRecorderOptions) {
    const { client, controller, instance = hostname(), now = Date.now } = options
    this.#client = client
    this.#reporter = { controller, instance }
    this.#now = now
    this.#budget = new EventBudget(options.budget ?? {}, now())
    this.#maxQueued = options.maxQueued ?? 1000
    this.#intervalMs = options.seriesIntervalMs ?? 30_000
    this.#counters = { recorded: 0, repeated: 0, written: 0, overBudget: 0, queueFull: 0, failed: 0, refused: 0 }
    this.counters = this.#counters
  }

  record(regarding: EventRef, content: EventContent): void {
    this.#counters.recorded++
    try {
      const now = this.#now()
      const key = seriesKey(regarding, content)
      let series = this.#series.get(key)
      if (series?.isOver(now, FINISH_MS)) {
        this.#series.delete(key)
        series = undefined
      }
      if (series) this.#counters.repeated++
      else series = this.#begin(key, new Series(regarding, content, this.#reporter, now))
      series.happened(now)
      this.#writeIfDue(key, series, this.#intervalMs)
      this.#timer ??= setTimeout(() => this.#sweep(), this.#intervalMs).unref()
    } catch {
      this.#counters.failed++
    }
  }

  /**
   * Writes what is not written yet, as far as the budget goes; resolves when that has ended, or the time is over: a process that
   * ends does not wait for an API server that is away. Never rejects.
   */
  async flush(withinMs = 10_000): Promise<void> {
    const written = new AbortController()
    const write = async () => {
      await this.#queue.onIdle()
      for (const [key, series] of this.#series) this.#writeIfDue(key, series, 0)
      await this.#queue.onIdle()
      written.abort()
    }
    void write()
    await pause(withinMs, written.signal)
  }

  #begin(key: string, series: Series): Series {
    this.#series.set(key, series)
    for (const oldest of this.#series.keys()) {
      if (this.#series.size <= MAX_SERIES) break
      this.#series.delete(oldest)
    }
    return series
  }

  #sweep(): void {
    const now = this.#now()
    for (const [key, series] of this.#series) {
      this.#writeIfDue(key, series, this.#intervalMs)
      if (series.isOver(now, FINISH_MS)) this.#series.delete(key)
    }
    this.#timer = this.#series.size > 0 ? setTimeout(() => this.#sweep(), this.#intervalMs).unref() : undefined
  }

  #writeIfDue(key: string, series: Series, intervalMs: number): void {
    const now = this.#now()
    if (!series.isDue(now, intervalMs)) return
    const dropped = this.#refusal(series, now)
    if (dropped !== undefined) {
      this.#counters[dropped]++
      // One that nobody can see must not be repeated: when there is room again, the next is the first.
      if (series.exists) series.failed(now)
      else this.#series.delete(key)
      return
    }
    series.writing(now)
    void this.#queue.add(() => this.#write(key, series))
  }

  #refusal(series: Series, now: number): 'queueFull' | 'overBudget' | undefined {
    if (this.#queue.size >= this.#maxQueued) return 'queueFull'
    return this.#budget.spend(refKey(series.regarding), series.content.type, now) ? undefined : 'overBudget'
  }

  async #write(key: string, series: Series): Promise<void> {
    const { count } = series
    try {
      const outcome = await this.#send(series)
      if (outcome.ok || outcome.reason === 'AlreadyExists') {
        this.#counters.written++
        series.wrote(count)
      } else if (outcome.reason === 'NotFound' && series.exists) {
        series.vanished(this.#reporter, this.#now())
      } else {
        this.#counters.refused++
        this.#series.delete(key)
        return
      }
    } catch {
      this.#counters.failed++
      series.failed(this.#now())
      return
    }
    this.#writeIfDue(key, series, this.#intervalMs)
  }

  async #send({ event, exists, series }: Series): Promise<Outcome<Event>> {
    if (!exists) return await this.#client.create(events, { ...event, ...(series && { series }) })
    const { namespace, name = '' } = event.metadata ?? {}
    return await this.#client.patch(events, { namespace, name }, { series }, { type: 'merge' })
  }
}
