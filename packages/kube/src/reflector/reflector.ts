import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, METADATA_ONLY, METADATA_ONLY_LIST } from '../client/client.ts'
import { pathOf } from '../client/path.ts'
import { ApiError, ClusterUnreachable, RequestAborted, type Status, statusOf } from '../connection/errors.ts'
import type { Response } from '../connection/exchange.ts'
import { keyOf, type ObjectKey } from '../objects/key.ts'
import type { Resource } from '../objects/resources.ts'
import type { KubeObject } from '../objects/types.ts'
import { errorOf, observe } from '../observe/observe.ts'
import { type BackoffOptions, backoffMs } from '../queue/backoff.ts'
import { parseWatchEvent } from '../watch/event.ts'
import { createLineSplitter, LineTooLong } from '../watch/lines.ts'

/**
 * Where a reflector puts what it learns. Calls come from the socket's read: they must be short. What they throw breaks
 * the watch, which then begins again before the event that was refused.
 */
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
  /**
   * Receives PartialObjectMetadata: what an object is called and who owns it, without its content. `list`: of what is there; what
   * changes afterwards comes whole, which costs the API server less than to take it apart, and spares a GET.
   */
  readonly metadataOnly?: boolean | 'list'
  /** Keeps `metadata.managedFields`: who wrote which fields. They are often more than the rest. */
  readonly managedFields?: boolean
  readonly sink: ReflectorSink<T>
  readonly onState?: (state: ReflectorState) => void
  readonly backoff?: BackoffOptions
  /** A watch that sends nothing for this long is opened anew. The API server sends a bookmark about every 60 s. */
  readonly silenceMs?: number
  /** A watch that sends a longer event is broken off. Default: 64 MiB. */
  readonly maxEventBytes?: number
  readonly pageSize?: number
}

/** etcd holds 1.5 MiB of an object unless told otherwise, and JSON makes up to six bytes of one. */
const MAX_EVENT_BYTES = 64 << 20

/** The API server no longer has the version to resume from: only a new list helps. */
class Expired extends Error {}

/** The API server ended the watch in good order, as it does when it is busy, before it sent anything. */
class NoProgress extends Error {
  constructor() {
    super('the API server closed the watch without an event')
  }
}

/** A watch that ends sooner, and without an event, is no progress (client-go calls it very short). */
const SHORT_WATCH_MS = 1_000

/**
 * Keeps a sink equal to a collection of the API server (client-go's Reflector, with KEP-3157 streaming lists). Begins
 * with a consistent list, follows by watch from its resourceVersion, resumes at once when the watch is cut off, lists
 * again only when the server no longer has that version (410) or has not reached it (restored from a snapshot), and never
 * empties the sink meanwhile.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>
  /** Version to resume from; undefined asks for a list. */
  #resourceVersion: string | undefined
  #streamingList = true
  /** The last watch broke off: the API server may have been restored from a snapshot since. */
  #brokeOff = false
  /** Attempts in a row after which no watch has followed for a while: a list alone is no progress. */
  #failures = 0
  #state: ReflectorState = { kind: 'connecting' }

  constructor(options: ReflectorOptions<T>) {
    this.#options = options
  }

  /** The version of the collection that the sink has reached; undefined before the first list. */
  get resourceVersion(): string | undefined {
    return this.#resourceVersion
  }

  /** Follows until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    this.#report({ kind: 'connecting' })
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion !== undefined && this.#brokeOff) {
          await this.#checkReached(this.#resourceVersion, signal)
        }
        this.#brokeOff = false
        if (this.#resourceVersion === undefined && !this.#streamingList) await this.#listPages(signal)
        await this.#watch(signal)
      } catch (thrown) {
        if (signal.aborted || thrown instanceof RequestAborted) return
        const error = errorOf(thrown)
        this.#failures++
        this.#brokeOff = !(error instanceof NoProgress)
        if (error instanceof Expired) {
          this.#resourceVersion = undefined
          // Happens to every healthy watch now and then, but one that expires at once must not list in a hot loop.
          if (this.#failures === 1) continue
        }
        this.#report({ kind: 'broken', error })
        await this.#pause(error, signal)
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
      managedFields,
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
      metadataOnly: Boolean(metadataOnly),
      managedFields,
      signal,
    })) {
      for (const object of page.items) objects.push(object)
      resourceVersion = page.resourceVersion
    }
    sink.replace(objects)
    this.#resourceVersion = resourceVersion
    this.#report({ kind: 'following' })
  }

  /** Watches until the server ends it in good order or sends nothing any more; throws on every other end. */
  async #watch(signal: AbortSignal): Promise<void> {
    const {
      client,
      sink,
      metadataOnly,
      managedFields,
      silenceMs = 90_000,
      maxEventBytes = MAX_EVENT_BYTES,
    } = this.#options
    const stop = new AbortController()
    const streamingList = this.#resourceVersion === undefined
    // Live changes may come before the end mark of a streaming list, so what is gathered is a state, not a log.
    const initial = new Map<ObjectKey, T>()
    let listing = streamingList
    let failure: Error | undefined
    /** The list is there; changes are asked for in another form. */
    let onlyListed = false
    let opened = 0
    let progressed = false

    const split = createLineSplitter((line) => {
      if (failure || onlyListed) return
      const event = parseWatchEvent<T>(line, managedFields)
      if (event.type === 'error') {
        failure = failureOf(event.status)
        stop.abort()
      } else if (!listing) {
        if (event.type !== 'bookmark') sink[event.type](event.object)
        this.#resourceVersion = event.resourceVersion
        this.#failures = 0
        progressed = true
      } else if (event.type === 'changed') initial.set(keyOf(event.object), event.object)
      else if (event.type === 'deleted') initial.delete(keyOf(event.object))
      else if (event.initialEventsEnd) {
        sink.replace([...initial.values()])
        listing = false
        initial.clear()
        this.#resourceVersion = event.resourceVersion
        this.#report({ kind: 'following' })
        onlyListed = metadataOnly === 'list'
        if (onlyListed) stop.abort()
      }
    }, maxEventBytes)
    const onOpen = () => {
      opened = performance.now()
      if (!streamingList) this.#report({ kind: 'following' })
    }

    const path = this.#watchPath(streamingList)
    try {
      const answer = await client.connection.stream(
        {
          method: 'GET',
          path,
          accept: metadataOnly === true || (metadataOnly && streamingList) ? METADATA_ONLY : 'application/json',
          signal: AbortSignal.any([signal, stop.signal]),
        },
        { onOpen, onData: split },
        silenceMs,
      )
      if (answer.code !== 200) this.#refused('WATCH', path, answer, streamingList)
    } catch (error) {
      if (onlyListed) return
      if (failure) throw failure
      if (error instanceof LineTooLong) throw tooLarge(client, path, maxEventBytes)
      // No bookmark comes for a collection in which nothing has changed since the API server or etcd started, so silence
      // alone says nothing. If the server is frozen, the next request says so.
      const silent = error instanceof ClusterUnreachable && error.silent && opened > 0
      if (listing || !silent) throw error
    } finally {
      // A watch that lasted has followed, also when nothing happened.
      if (!listing && opened > 0 && performance.now() - opened >= SHORT_WATCH_MS) {
        this.#failures = 0
        progressed = true
      }
    }
    if (!progressed) throw new NoProgress()
  }

  /**
   * An API server whose etcd was restored from a snapshot is behind the version to resume from, and says nothing on such a
   * watch until it gets there, with other objects. Asks how far etcd is, by a consistent list of one object; to ask for one not
   * older than the version would be answered with "later" for as long as an API server takes for a slow one. API servers let
   * versions be compared (KEP-5504).
   * @throws Expired if the API server has not reached the version; ApiError if it does not say
   */
  async #checkReached(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, resource, namespace, fieldSelector } = this.#options
    // With the field selector, because the right to list may be for one name only.
    const path = pathOf(resource, { namespace, query: { fieldSelector, limit: 1 } })
    const answer = await client.connection.request({ method: 'GET', path, accept: METADATA_ONLY_LIST, signal })
    // An API server that has just started refuses what it will allow in a moment.
    if (answer.code !== 200) this.#refused('LIST', path, answer)
    const reached = (answer.body as { metadata: { resourceVersion: string } }).metadata.resourceVersion
    if (BigInt(reached) < BigInt(resourceVersion)) {
      throw new Expired(`the API server has got to version ${reached} only, and ${resourceVersion} has been seen`)
    }
  }

  #refused(method: 'LIST' | 'WATCH', path: string, answer: Response, streamingList = false): never {
    const { code, body, retryAfterMs } = answer
    const request = { method, path: path.replace(/\?.*/, '') }
    const error = new ApiError(this.#options.client.name, request, code, statusOf(code, body), retryAfterMs)
    if (code === 410) throw new Expired(error.message)
    if (streamingList && (code === 422 || code === 400)) {
      // An API server without WatchList: pages from now on.
      this.#streamingList = false
      throw new Expired(error.message)
    }
    throw error
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

  #report(state: ReflectorState): void {
    if (state.kind === 'following' && this.#state.kind === 'following') return
    this.#state = state
    observe(this.#options.onState, state)
  }

  async #pause(error: Error, signal: AbortSignal): Promise<void> {
    const { client, backoff } = this.#options
    const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0
    const { breaker } = client.connection
    const closed = new AbortController()
    // Whoever gets the first answer of a cluster that was away ends the pause of all.
    const withdraw = error instanceof ClusterUnreachable ? breaker.onceClosed(() => closed.abort()) : () => {}
    const openMs = error instanceof ClusterUnreachable ? breaker.retryInMs() : 0
    await sleep(Math.max(backoffMs(this.#failures, backoff), asked, openMs), undefined, {
      signal: AbortSignal.any([signal, closed.signal]),
    }).catch(() => {})
    withdraw()
    // The outage is over: what fails from now on fails for the first time.
    if (closed.signal.aborted) this.#failures = 0
  }
}

function failureOf(status: Status): Error {
  const expired = status.code === 410 || status.reason === 'Expired' || status.reason === 'Gone'
  const message = `the watch ended: ${status.message ?? 'unknown error'}`
  return expired ? new Expired(message) : new Error(message)
}

function tooLarge({ name, connection }: Client, path: string, bytes: number): Error {
  const what = `${name}: WATCH ${path.replace(/\?.*/, '')}: an event is longer than ${bytes / 2 ** 20} MiB`
  return new Error(
    `${what}, which is more than an API server sends: look at what answers at ${connection.server.origin}`,
  )
}
