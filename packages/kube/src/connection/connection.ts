import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorOf, observe } from '../observe/observe.ts'
import { type Attempt, type Breaker, type BreakerOptions, createBreaker } from './breaker.ts'
import { ClusterUnreachable, isMalformedRequest, RequestAborted } from './errors.ts'
import { exchange, type Reading, type Response, type StreamHandlers } from './exchange.ts'
import { MAX_ANSWER_BYTES } from './gathering.ts'
import { loginBeside } from './impersonation.ts'
import type { LoggedIn, Transport } from './transport.ts'

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path with query, e.g. `/api/v1/nodes?limit=500`. */
  readonly path: string
  /** Sent as JSON. */
  readonly body?: unknown
  readonly contentType?: string
  readonly accept?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
  /**
   * Time for the whole answer, and for sending it again where the server says "later"; the transport's limit on the beginning of
   * an answer applies anyway. Default: none.
   */
  readonly timeoutMs?: number
  /** Who answers is behind the API server (a kubelet, by nodes/proxy): that nothing comes says nothing about the API server. */
  readonly forwarded?: boolean
  /** False: a "later" is the answer, since the caller comes back by itself, and may want something else then. */
  readonly repeat?: boolean
  /** Keeps the managedFields of what is answered, which are cut out otherwise; not of a stream. */
  readonly managedFields?: boolean | undefined
}

/** An answer whose body is read at the reader's pace. */
export interface OpenResponse {
  /** HTTP status. */
  readonly code: number
  readonly headers: IncomingHttpHeaders
  /** To be read to its end or destroyed; errors when the server breaks off. */
  readonly body: Readable
}

export interface RequestObservation {
  readonly method: string
  readonly path: string
  /** HTTP status, or 0 when there was no answer. */
  readonly code: number
  /** Until then. */
  readonly seconds: number
}

export interface ConnectionOptions {
  readonly breaker?: BreakerOptions
  /** How often a request is sent again that the server answered with "later" (429 or 5xx with Retry-After). */
  readonly maxRetries?: number
  /** An answer that is longer is not read to its end, nor more at once than eight such; streams have no limit. Default: 32 MiB. */
  readonly maxAnswerBytes?: number
  /** Called once for every request when its answer is there, or begins if it is a stream, for metrics. */
  readonly onRequest?: (observation: RequestObservation) => void
}

/**
 * One API server as its callers see it: its pool, its breaker, its login. Nothing is shared between two connections, so
 * that a slow or dead cluster costs the others nothing. There is no client-side rate limit: the server's priority and
 * fairness decides, and its 429 with Retry-After is honoured.
 */
export class Connection {
  /** For messages and metrics: `root` or the Cluster's name. */
  readonly name: string
  readonly server: URL
  readonly breaker: Breaker
  #transport: Transport
  /** Earlier ones, while something is still under way on them. */
  readonly #retired = new Set<Transport>()
  readonly #basePath: string
  readonly #maxRetries: number
  readonly #maxAnswerBytes: number
  readonly #onRequest: ((observation: RequestObservation) => void) | undefined
  readonly #gathered = { bytes: 0 }
  readonly #closed = new AbortController()

  constructor(name: string, transport: Transport, options: ConnectionOptions = {}) {
    this.name = name
    this.server = transport.server
    this.breaker = createBreaker(options.breaker)
    this.#transport = transport
    this.#basePath = transport.server.pathname.replace(/\/$/, '')
    this.#maxRetries = options.maxRetries ?? 8
    this.#maxAnswerBytes = options.maxAnswerBytes ?? MAX_ANSWER_BYTES
    this.#onRequest = options.onRequest
  }

  /**
   * Sends a request, again while the server says when to come back and there is time (as client-go, rest/with_retry.go; without
   * Retry-After a 429 is an answer, e.g. of an eviction that a disruption budget forbids). Throws {@link ClusterUnreachable}
   * without an answer or with one that is too long, {@link RequestAborted} on the signal.
   */
  async request(request: Request): Promise<Response> {
    const { timeoutMs } = request
    const until = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs
    for (let attempt = 0; ; attempt++) {
      const left = timeoutMs === undefined ? {} : { timeoutMs: Math.max(1, Math.ceil(until - performance.now())) }
      const answer = await this.#attempt({ ...request, ...left })
      const again = answer.retryAfterMs !== undefined && (answer.code === 429 || answer.code >= 500)
      // Jitter upwards only: Retry-After is the least that the server asks for.
      const pauseMs = (answer.retryAfterMs ?? 0) * (1 + Math.random() / 2)
      const isTheLast = request.repeat === false || attempt >= this.#maxRetries
      if (!again || isTheLast || performance.now() + pauseMs >= until) return answer
      await this.#pause(pauseMs, request)
    }
  }

  /**
   * Opens an endless answer (a watch, a log). Resolves when the server ends it; a status other than 200 resolves with
   * that answer. `silenceMs` without a byte counts as no answer, which is how a frozen server is noticed.
   */
  async stream(request: Request, handlers: StreamHandlers, silenceMs: number): Promise<Response> {
    const observed = this.#observed(request)
    const onOpen = () => {
      observed(200)
      handlers.onOpen()
    }
    try {
      const answer = await this.#send('streams', request, { handlers: { ...handlers, onOpen }, silenceMs })
      observed(answer.code)
      return answer
    } finally {
      observed(0)
    }
  }

  /**
   * Sends a request and hands over the body of the answer unread, with back-pressure: for logs and other answers that a
   * client of ours reads. `answerMs` limits the time until the answer begins (0: none). Never repeated, whatever the
   * status. Throws {@link ClusterUnreachable} without an answer, {@link RequestAborted} on the signal, which also ends
   * the body.
   */
  async open(request: Omit<Request, 'timeoutMs'>, options: { readonly answerMs?: number } = {}): Promise<OpenResponse> {
    const { dispatcher, options: sent, refused } = await this.#dispatch('streams', request)
    // It may wait long for its first byte, so it never is the trial that others wait for.
    const attempt = this.#admit(request, { trial: false })
    const signal = this.#endOf(request)
    const observed = this.#observed(request)
    try {
      const { statusCode, headers, body } = await dispatcher.request({
        ...sent,
        signal,
        ...(options.answerMs !== undefined && { headersTimeout: options.answerMs }),
      })
      attempt.succeeded()
      observed(statusCode)
      if (statusCode === 401) refused()
      return { code: statusCode, headers, body }
    } catch (cause) {
      observed(0)
      if (signal.aborted) throw this.#aborted(request)
      if (!isMalformedRequest(cause)) attempt.failed(cause as Error)
      throw new ClusterUnreachable(this.name, this.server.origin, cause as Error)
    }
  }

  /** Options for a node:https request to this server whose connection is then upgraded. Throws {@link ClusterUnreachable} without a login. */
  async upgradeOptions(path: string) {
    const { headers, ...options } = await this.#transport.upgradeOptions().catch((thrown: unknown) => {
      throw this.#noLogin(thrown)
    })
    return {
      ...options,
      headers: headers as Record<string, string | string[]>,
      protocol: this.server.protocol,
      host: this.server.hostname.replace(/^\[|\]$/g, ''),
      port: this.server.port || (this.server.protocol === 'https:' ? 443 : 80),
      path: this.#basePath + path,
    }
  }

  get closed(): boolean {
    return this.#closed.signal.aborted
  }

  /**
   * Logs in as `transport` does from now on, which has to lead to the same server. What is under way goes on as it began:
   * an API server asks who somebody is when a request begins, so an open watch outlives the login that opened it.
   */
  logInBy(transport: Transport): void {
    const former = this.#transport
    this.#transport = transport
    this.#retired.add(former)
    const forget = () => void this.#retired.delete(former)
    // A request that has its login already is sent before this.
    setImmediate(() => this.closed || former.retire().then(forget, forget))
  }

  /** Ends every request and stream; the connection is of no use afterwards. */
  async close(): Promise<void> {
    this.#closed.abort()
    await Promise.all([this.#transport, ...this.#retired].map((transport) => transport.close()))
  }

  async #attempt(request: Request) {
    const observed = this.#observed(request)
    try {
      const response = await this.#send('requests', request)
      observed(response.code)
      return response
    } finally {
      observed(0)
    }
  }

  /** Tells how a request went when it is first called: with the status of the answer, or 0 for none. */
  #observed({ method, path }: Request): (code: number) => void {
    const started = performance.now()
    let told = false
    return (code) => {
      if (told) return
      told = true
      observe(this.#onRequest, { method, path, code, seconds: (performance.now() - started) / 1000 })
    }
  }

  /** Throws when there is no point in sending anything. */
  #admit(request: Request, { trial }: { trial: boolean }): Attempt {
    if (this.closed || request.signal?.aborted) throw this.#aborted(request)
    const { breaker } = this
    const attempt = trial ? breaker.tryAcquire() : breaker.retryInMs() === 0 ? breaker : undefined
    if (attempt) return attempt
    const seconds = Math.ceil(this.breaker.retryInMs() / 1000)
    throw new ClusterUnreachable(
      this.name,
      this.server.origin,
      new Error(`not answering; next attempt in ${seconds} s`),
    )
  }

  #aborted({ method, path, signal }: Request): RequestAborted {
    const isLate = (signal?.reason as Error | undefined)?.name === 'TimeoutError'
    const what = `${this.name}: ${method} ${path.replace(/\?.*/, '')}`
    return new RequestAborted(`${what}: ${isLate ? 'no answer in the time it had' : 'aborted'}`)
  }

  /** The login of now, and the connections by it; another transport may have come while it was had. */
  async #login(): Promise<LoggedIn> {
    for (;;) {
      const transport = this.#transport
      try {
        const login = await transport.logIn()
        if (transport === this.#transport) return login
      } catch (thrown) {
        throw this.#noLogin(thrown)
      }
    }
  }

  /** It is not the server that failed: its breaker does not count this. */
  #noLogin(thrown: unknown): ClusterUnreachable {
    const cause = new Error(`no credentials to log in with: ${errorOf(thrown).message}`)
    return new ClusterUnreachable(this.name, this.server.origin, cause)
  }

  async #dispatch(by: 'requests' | 'streams', request: Request) {
    const login = await this.#login()
    const body = request.body === undefined ? null : JSON.stringify(request.body)
    const options = {
      origin: this.server.origin,
      path: this.#basePath + request.path,
      method: request.method,
      headers: {
        accept: request.accept ?? 'application/json',
        'user-agent': 'kosmos',
        ...(body !== null && { 'content-type': request.contentType ?? 'application/json' }),
        ...(loginBeside(request.headers, login.headers) as Record<string, string>),
        ...request.headers,
      },
      body,
    }
    return { dispatcher: login[by], options, refused: login.refused }
  }

  async #send(by: 'requests' | 'streams', request: Request, stream?: Reading): Promise<Response> {
    const { forwarded = false } = request
    const { dispatcher, options, refused } = await this.#dispatch(by, request)
    const attempt = this.#admit(request, { trial: !forwarded })
    const answer = await exchange(dispatcher, options, {
      attempt,
      forwarded,
      signals: request.signal ? [this.#closed.signal, request.signal] : [this.#closed.signal],
      timeoutMs: request.timeoutMs,
      maxBytes: this.#maxAnswerBytes,
      gathered: this.#gathered,
      stream,
      managedFields: request.managedFields ?? false,
      aborted: () => this.#aborted(request),
      unreachable: (cause) => new ClusterUnreachable(this.name, this.server.origin, cause),
    })
    if (answer.code === 401) refused()
    return answer
  }

  async #pause(ms: number, request: Request): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: this.#endOf(request) })
    } catch {
      throw this.#aborted(request)
    }
  }

  /** Aborts when its caller or the owner of the connection wants no answer any more. */
  #endOf({ signal }: Request): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal
  }
}
