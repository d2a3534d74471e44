import type { V1Status } from '@kubernetes/client-node'
import type { Wire } from '../objects/types.ts'

export type Status = Wire<V1Status>

/** An API server answered a request with an error that the caller did not ask to handle. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly cluster: string
  /** HTTP status code. */
  readonly code: number
  /** `Forbidden`, `Invalid`, … as in metav1.StatusReason; empty if the answer was not a Status. */
  readonly reason: string
  readonly status: Status
  /** When the server says that it makes sense to ask again. */
  readonly retryAfterMs: number | undefined

  constructor(
    cluster: string,
    request: { method: string; path: string },
    code: number,
    status: Status,
    retryAfterMs?: number,
  ) {
    super(`${cluster}: ${request.method} ${request.path}: ${status.message ?? `HTTP ${code}`} (${code})`)
    this.cluster = cluster
    this.code = code
    this.reason = status.reason ?? ''
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

/** No answer came from an API server: connection refused, reset, timed out, not trusted, or its breaker is open. */
export class ClusterUnreachable extends Error {
  override readonly name = 'ClusterUnreachable'
  readonly cluster: string

  constructor(cluster: string, server: string, cause: Error) {
    super(`${cluster}: no answer from ${server}: ${describe(cause)}`, { cause })
    this.cluster = cluster
  }

  /** The answer had begun, and was longer than we take; the server may be asked for less. */
  get tooLong(): boolean {
    return this.cause instanceof AnswerTooLong
  }

  /** The answer had begun, and nothing came any more; the line may be in order. */
  get silent(): boolean {
    return (this.cause as NodeJS.ErrnoException).code === 'UND_ERR_BODY_TIMEOUT'
  }
}

/** An answer that is longer than an API server gives, or than we can hold: it was not read to its end. */
export class AnswerTooLong extends Error {
  /** `together`: with the others that are under way. */
  constructor(
    { method, path }: { readonly method: string; readonly path: string },
    maxBytes: number,
    together = false,
  ) {
    const which = together ? 'the answers that are under way are together' : 'the answer is'
    const what = `${method} ${path.replace(/\?.*/, '')}: ${which} longer than ${maxBytes / 2 ** 20} MiB`
    super(`${what}, which is more than an API server sends: look at what answers there`)
  }
}

/** The connection was closed by its owner, or the caller's signal ended the request. */
export class RequestAborted extends Error {
  override readonly name = 'RequestAborted'
}

/** Whether a request could not be written as it was given: that says nothing about the server. */
export function isMalformedRequest(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === 'UND_ERR_INVALID_ARG'
}

/** Whether a connection stood and nothing came on it. */
export function isSilence(cause: unknown): boolean {
  return ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'].includes((cause as NodeJS.ErrnoException).code ?? '')
}

function describe(cause: Error): string {
  const code = (cause as NodeJS.ErrnoException).code
  // Happy eyeballs reports one error per address; the first says enough.
  const inner = cause instanceof AggregateError ? cause.errors[0] : undefined
  const told = inner instanceof Error ? inner.message : cause.message
  // Node's own advice is for who starts Node; ours names the kubeconfig.
  const text = told.replace(/; if the root CA is installed locally.*$/, '')
  return code && !text.includes(code) ? `${text} (${code})` : text || (code ?? cause.name)
}

/** What a message has of an answer at most, in characters: it goes into conditions, Events and logs. Of other answers than a Status. */
const [LONGEST_MESSAGE, LONGEST_TEXT] = [4_096, 500]

/** Whether who asks has not the right. Pure. */
export function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === 403
}

/** The Status object of an error answer; proxies in between answer with other bodies, which become its message. */
export function statusOf(code: number, body: unknown): Status {
  if (typeof body === 'object' && body !== null && (body as { kind?: unknown }).kind === 'Status') {
    const status = body as Status
    const { message } = status
    if (!message || message.length <= LONGEST_MESSAGE) return status
    return { ...status, message: `${message.slice(0, LONGEST_MESSAGE)}…` }
  }
  const text = typeof body === 'string' ? body.trim().slice(0, LONGEST_TEXT) : ''
  return { code, status: 'Failure', ...(text && { message: text }) }
}
