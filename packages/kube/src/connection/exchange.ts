import type { Dispatcher } from 'undici'
import { decode } from '../objects/decode.ts'
import { errorOf } from '../observe/observe.ts'
import type { Breaker } from './breaker.ts'
import { isMalformedRequest } from './errors.ts'

export interface Response {
  /** HTTP status; every status is a value here, only the lack of an answer is an error. */
  readonly code: number
  /** Parsed JSON without managedFields, or the text if the answer was not JSON. */
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
  /** Each of them ends it at once. */
  readonly signals: readonly AbortSignal[]
  readonly timeoutMs: number | undefined
  readonly stream: Reading | undefined
  /** The error of an end by a signal. */
  aborted(): Error
  /** The error of having no answer. */
  unreachable(cause: Error): Error
}

/** What is between us and a server may say days, or more than a timer of Node takes, which would fire at once then. */
const LONGEST_RETRY_AFTER_MS = 300_000

/** Sends one request and reads its answer; tells the breaker how it went. */
export async function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  { breaker, signals, timeoutMs, stream, aborted, unreachable }: Terms,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>()
  const chunks: Buffer[] = []
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
          breaker.failed()
          giveUp(unreachable(new Error(`no full answer within ${timeoutMs} ms`)))
        }, timeoutMs)
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
        else chunks.push(chunk)
      },
      onResponseEnd: () => {
        finish(() => {
          const bytes = Buffer.concat(chunks)
          try {
            const body: unknown = json && bytes.length > 0 ? decode(bytes) : bytes.toString('utf8')
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
          else if (!streaming) breaker.failed()
          reject(unreachable(cause))
        })
      },
    },
  )
  return await promise
}
