import type { Dispatcher } from 'undici'
import { decode } from '../objects/decode.ts'
import { errorOf } from '../observe/observe.ts'
import type { Breaker } from './breaker.ts'
import { AnswerTooLong, isMalformedRequest, isSilence } from './errors.ts'

export interface Response {
  /** HTTP status; every status is a value here, only the lack of an answer is an error. */
  readonly code: number
  /** Parsed JSON, without managedFields unless they were asked for, or the text if the answer was not JSON. */
  readonly body: unknown
  /** Retry-After of the answer: the least time until it makes sense to ask again, at most five minutes. */
  readonly retryAfterMs?: number
}

export interface StreamHandlers {
  /** The answer has begun. For a status other than 200 the body follows in one call of `onRefusal` instead of data. */
  onOpen(): void
  /** Called from the socket's own read: must not block. What it throws ends the stream and comes out of the call. */
  onData(chunk: Buffer): void
}

/** What reads an answer while it comes, and the longest time without a byte. */
export interface Reading {
  readonly handlers: StreamHandlers
  readonly silenceMs: number
}

interface Terms {
  readonly breaker: Breaker
  /** Silence is that of somebody behind the server. */
  readonly forwarded: boolean
  /** Each of them ends it at once. */
  readonly signals: readonly AbortSignal[]
  readonly timeoutMs: number | undefined
  /** What is gathered of an answer at most, in bytes. */
  readonly maxBytes: number
  /** What is gathered of all answers of the server now, in bytes. */
  readonly gathered: { bytes: number }
  readonly stream: Reading | undefined
  readonly managedFields: boolean
  /** The error of an end by a signal. */
  aborted(): Error
  /** The error of having no answer. */
  unreachable(cause: Error): Error
}

/**
 * A single object is at most 9 MiB: etcd takes 1.5 MiB of it, and JSON makes up to six bytes of one. Discovery, OpenAPI documents,
 * and what a kubelet measures, stay well below; a list is asked for in smaller pages. Parsed, it may be ten times as much.
 */
export const MAX_ANSWER_BYTES = 32 << 20

/** How many answers of the greatest length are gathered at once at most. Kubelets of large nodes send some megabytes each, many at a time. */
const LONGEST_AT_ONCE = 8

/** What a piece of an answer costs beside its bytes, so that one of tiny pieces has a limit, too. */
const PIECE_BYTES = 128

/** What is between us and a server may say days, or more than a timer of Node takes, which would fire at once then. */
const LONGEST_RETRY_AFTER_MS = 300_000

/** Sends one request and reads its answer; tells the breaker how it went. */
export async function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  { breaker, forwarded, signals, timeoutMs, maxBytes, gathered, stream, managedFields, aborted, unreachable }: Terms,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>()
  let chunks: Buffer[] = []
  let held = 0
  let code = 0
  let json = true
  let retryAfterMs: number | undefined
  let streaming = false
  let over = false
  let controller: Dispatcher.DispatchController | undefined

  const finish = (conclude: () => void) => {
    if (over) return
    over = true
    clearTimeout(timer)
    gathered.bytes -= held
    for (const signal of signals) signal.removeEventListener('abort', abort)
    conclude()
  }
  // For the caller it ends at once; a request that still waits for a connection is dropped when it gets one.
  const giveUp = (error: Error) => {
    finish(() => reject(error))
    controller?.abort(error)
  }
  const abort = () => {
    if (!over) breaker.abandoned()
    giveUp(aborted())
  }
  for (const signal of signals) signal.addEventListener('abort', abort, { once: true })
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          if (!forwarded) breaker.failed()
          giveUp(unreachable(new Error(`no full answer within ${timeoutMs} ms`)))
        }, timeoutMs)
  const gather = (chunk: Buffer) => {
    held += chunk.length + PIECE_BYTES
    gathered.bytes += chunk.length + PIECE_BYTES
    const isWithin = gathered.bytes <= LONGEST_AT_ONCE * maxBytes
    if (held <= maxBytes && isWithin) {
      chunks.push(chunk)
      return
    }
    chunks = []
    giveUp(unreachable(new AnswerTooLong(options, isWithin ? maxBytes : LONGEST_AT_ONCE * maxBytes, !isWithin)))
  }
  const hand = (to: () => void) => {
    try {
      to()
    } catch (thrown) {
      giveUp(errorOf(thrown))
    }
  }

  dispatcher.dispatch(
    { ...options, ...(stream && { bodyTimeout: stream.silenceMs }) },
    {
      onRequestStart: (given) => {
        controller = given
        if (over) given.abort(new Error('its caller has given up'))
      },
      onResponseStart: (_controller, status, headers) => {
        code = status
        breaker.succeeded()
        json = String(headers['content-type'] ?? '').includes('json')
        const seconds = Number(headers['retry-after'])
        if (seconds > 0) retryAfterMs = Math.min(seconds * 1_000, LONGEST_RETRY_AFTER_MS)
        streaming = stream !== undefined && status === 200
        if (streaming) hand(() => stream?.handlers.onOpen())
      },
      onResponseData: (_controller, chunk) => {
        if (over) return
        if (streaming) hand(() => stream?.handlers.onData(chunk))
        else gather(chunk)
      },
      onResponseEnd: () => {
        finish(() => {
          const bytes = Buffer.concat(chunks)
          try {
            const body: unknown = json && bytes.length > 0 ? decode(bytes, managedFields) : bytes.toString('utf8')
            resolve({ code, body, ...(retryAfterMs !== undefined && { retryAfterMs }) })
          } catch {
            // Without the parser's own message, which quotes the answer.
            reject(unreachable(new Error('the answer is not JSON')))
          }
        })
      },
      onResponseError: (_controller, cause) => {
        finish(() => {
          // A stream that broke will be asked for again.
          if (isMalformedRequest(cause)) breaker.abandoned()
          else if (!streaming && !(forwarded && isSilence(cause))) breaker.failed(cause)
          reject(unreachable(cause))
        })
      },
    },
  )
  return await promise
}
