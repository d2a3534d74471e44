import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, METADATA_ONLY } from '../client/client.ts'
import { pathOf } from '../client/path.ts'
import { ApiError, ClusterUnreachable, RequestAborted, statusOf } from '../connection/errors.ts'
import { keyOf, type ObjectKey } from '../objects/key.ts'
import type { Resource } from '../objects/resources.ts'
import type { KubeObject } from '../objects/types.ts'
import { type BackoffOptions, backoffMs } from '../queue/backoff.ts'
import { parseWatchEvent } from '../watch/event.ts'
import { createLineSplitter } from '../watch/lines.ts'

/** Where a reflector puts what it learns. Calls come from the socket's read: they must be short and never throw. */
export interface ReflectorSink<T> {
  /** The whole state: what is not in it is gone. */
  replace(objects: readonly T[]): void
  changed(object: T): void
  deleted(object: T): void
}

export type ReflectorState =
  | { readonly kind: 'connecting' }
  /** The sink follows the API server. */
  | { readonly kind: 'following' }
  /** The sink holds the last known state; the next attempt is scheduled. */
  | { readonly kind: 'broken'; readonly error: Error }

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Client
  readonly resource: Resource<T>
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
  /** Receives PartialObjectMetadata: what an object is called and who owns it, without its content. */
  readonly metadataOnly?: boolean
  readonly sink: ReflectorSink<T>
  readonly onState?: (state: ReflectorState) => void
  readonly backoff?: BackoffOptions
  /** A watch that sends nothing for this long is dead. The API server sends a bookmark about every 60 s. */
  readonly silenceMs?: number
  readonly pageSize?: number
}

/** Why a watch ended, as far as the next step depends on it. */
type WatchEnd = 'resume' | 'relist'

/**
 * Keeps a sink equal to a collection of the API server (client-go's Reflector, with KEP-3157 streaming lists). Begins
 * with a consistent list, follows by watch from its resourceVersion, resumes at once when the watch is cut off, lists
 * again only when the server no longer has that version (410), and never empties the sink meanwhile.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>
  /** Version to resume from; undefined asks for a list. */
  #resourceVersion: string | undefined
  #streamingList = true
  #failures = 0

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
  }

  /** Follows until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    this.#report({ kind: 'connecting' })
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined && !this.#streamingList) await this.#listPages(signal)
        if ((await this.#watch(signal)) === 'relist') this.#resourceVersion = undefined
      } catch (error) {
        if (signal.aborted || error instanceof RequestAborted) return
        this.#failures++
        this.#report({ kind: 'broken', error: error as Error })
        await this.#pause(error as Error, signal)
      }
    }
  }

  async #listPages(signal: AbortSignal): Promise<void> {
    const {
      client,
      resource,
      namespace,
      labelSelector,
      fieldSelector,
      metadataOnly,
      sink,
      pageSize = 500,
    } = this.#options
    const objects: T[] = []
    let resourceVersion = ''
    for await (const page of client.list(resource, {
      namespace,
      labelSelector,
      fieldSelector,
      limit: pageSize,
      metadataOnly,
      signal,
    })) {
      objects.push(...page.items)
      resourceVersion = page.resourceVersion
    }
    sink.replace(objects)
    this.#resourceVersion = resourceVersion
    this.#follows()
  }

  async #watch(signal: AbortSignal): Promise<WatchEnd> {
    const { client, sink, silenceMs = 90_000 } = this.#options
    const stop = new AbortController()
    const streamingList = this.#resourceVersion === undefined
    // Live changes may come before the end mark of a streaming list, so what is gathered is a state, not a log.
    const initial = new Map<ObjectKey, T>()
    let listing = streamingList
    let failure: Error | undefined
    let end: WatchEnd = 'resume'
    let progressed = false

    const finish = (how: WatchEnd, error?: Error) => {
      end = how
      failure = error
      stop.abort()
    }
    const split = createLineSplitter((line) => {
      if (stop.signal.aborted) return
      const event = parseWatchEvent<T>(line)
      switch (event.type) {
        case 'changed':
        case 'deleted':
          if (listing) {
            if (event.type === 'changed') initial.set(keyOf(event.object), event.object)
            else initial.delete(keyOf(event.object))
            break
          }
          sink[event.type](event.object)
          this.#resourceVersion = event.object.metadata?.resourceVersion
          progressed = true
          break
        case 'bookmark':
          if (listing && !event.initialEventsEnd) break
          if (listing) {
            listing = false
            sink.replace([...initial.values()])
            initial.clear()
            this.#follows()
          }
          this.#resourceVersion = event.resourceVersion
          progressed = true
          break
        case 'error':
          if (event.status.code === 410 || event.status.reason === 'Expired') finish('relist')
          else finish('resume', new Error(`watch ended: ${event.status.message ?? 'unknown error'}`))
      }
    })

    const path = this.#watchPath(streamingList)
    try {
      const answer = await client.connection.stream(
        {
          method: 'GET',
          path,
          accept: this.#options.metadataOnly ? METADATA_ONLY : 'application/json',
          signal: AbortSignal.any([signal, stop.signal]),
        },
        { onOpen: () => streamingList || this.#follows(), onData: split },
        silenceMs,
      )
      if (answer.code === 410) return 'relist'
      if (streamingList && (answer.code === 422 || answer.code === 400)) {
        // An API server without WatchList: pages from now on.
        this.#streamingList = false
        return 'relist'
      }
      if (answer.code !== 200) {
        throw new ApiError(
          client.name,
          { method: 'WATCH', path: path.replace(/\?.*/, '') },
          answer.code,
          statusOf(answer.code, answer.body),
        )
      }
    } catch (error) {
      if (!stop.signal.aborted || signal.aborted) throw error
    }
    if (failure) throw failure
    // A server that closes every watch at once must not be asked in a hot loop.
    if (!progressed && end === 'resume') throw new Error('the watch was closed without an event')
    return end
  }

  #watchPath(list: boolean): string {
    const { resource, namespace, labelSelector, fieldSelector } = this.#options
    return pathOf(resource, {
      namespace,
      query: {
        watch: 1,
        allowWatchBookmarks: true,
        labelSelector,
        fieldSelector,
        // The server ends it by itself; spread, so that watches do not all come back in the same second.
        timeoutSeconds: 300 + Math.floor(Math.random() * 300),
        ...(list
          ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
          : { resourceVersion: this.#resourceVersion }),
      },
    })
  }

  #follows(): void {
    this.#failures = 0
    this.#report({ kind: 'following' })
  }

  #report(state: ReflectorState): void {
    this.#options.onState?.(state)
  }

  async #pause(error: Error, signal: AbortSignal): Promise<void> {
    const { client, backoff } = this.#options
    const wait = backoffMs(this.#failures, backoff)
    const breaker = error instanceof ClusterUnreachable ? client.connection.breaker.retryInMs() : 0
    await sleep(Math.max(wait, breaker), undefined, { signal }).catch(() => {})
  }
}
