import type { Dispatcher } from 'undici'
import { decode } from '../objects/decode.ts'
import { errorOf } from '../observe/observe.ts'
import { type Ending, type EndingTerms, endingOf } from './ending.ts'
import { isMalformedRequest, isSilence } from './errors.ts'
import { type Gathering, type GatheringLimits, gatheringOf } from './gathering.ts'

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

interface Terms extends EndingTerms, GatheringLimits {
  readonly stream: Reading | undefined
  readonly managedFields: boolean
}

/** What is between us and a server may say days, or more than a timer of Node takes, which would fire at once then. */
const LONGEST_RETRY_AFTER_MS = 300_000

/** Sends one request and reads its answer; tells its attempt how it went. */
export async function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  terms: Terms,
): Promise<Response> {
  const { stream } = terms
  const gathering = gatheringOf(options, terms)
  const ending = endingOf<Response>(terms, gathering.release)
  dispatcher.dispatch(
    { ...options, ...(stream && { bodyTimeout: stream.silenceMs }) },
    readingOf(terms, gathering, ending),
  )
  return await ending.answer
}

/** What an answer says before its body. */
interface Head {
  readonly code: number
  readonly isJson: boolean
  readonly retryAfterMs?: number
}

/** Hands an answer on while it comes if it is a stream that was not refused, and gathers it otherwise. */
function readingOf(terms: Terms, gathering: Gathering, ending: Ending<Response>): Dispatcher.DispatchHandler {
  const { attempt, forwarded, stream, managedFields, unreachable } = terms
  let head: Head = { code: 0, isJson: true }
  /** Whom the body is handed to. */
  let reader: StreamHandlers | undefined
  const hand = (to: () => void) => {
    try {
      to()
    } catch (thrown) {
      ending.giveUp(errorOf(thrown))
    }
  }
  return {
    onRequestStart: (controller) => ending.takeOver(controller),
    onResponseStart: (_controller, code, headers) => {
      attempt.succeeded()
      head = headOf(code, headers)
      reader = code === 200 ? stream?.handlers : undefined
      hand(() => reader?.onOpen())
    },
    onResponseData: (_controller, chunk) => {
      if (ending.isOver()) return
      if (reader) return hand(() => reader?.onData(chunk))
      const tooLong = gathering.add(chunk)
      if (tooLong) ending.giveUp(unreachable(tooLong))
    },
    onResponseEnd: () => ending.finish(() => responseOf(head, gathering.bytes(), { managedFields, unreachable })),
    onResponseError: (_controller, cause) =>
      ending.finish(() => {
        // A stream that broke will be asked for again.
        if (isMalformedRequest(cause)) attempt.abandoned()
        else if (!reader && !(forwarded && isSilence(cause))) attempt.failed(cause)
        throw unreachable(cause)
      }),
  }
}

function headOf(code: number, headers: Readonly<Record<string, string | string[] | undefined>>): Head {
  const isJson = String(headers['content-type'] ?? '').includes('json')
  const seconds = Number(headers['retry-after'])
  return { code, isJson, ...(seconds > 0 && { retryAfterMs: Math.min(seconds * 1_000, LONGEST_RETRY_AFTER_MS) }) }
}

function responseOf(
  { code, isJson, retryAfterMs }: Head,
  bytes: Buffer,
  { managedFields, unreachable }: Pick<Terms, 'managedFields' | 'unreachable'>,
): Response {
  const again = retryAfterMs !== undefined && { retryAfterMs }
  if (!isJson || bytes.length === 0) return { code, body: bytes.toString('utf8'), ...again }
  try {
    return { code, body: decode(bytes, managedFields), ...again }
  } catch {
    // Without the parser's own message, which quotes the answer.
    throw unreachable(new Error('the answer is not JSON'))
  }
}
