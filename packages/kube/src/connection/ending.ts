import type { Dispatcher } from 'undici'
import type { Attempt } from './breaker.ts'

export interface EndingTerms {
  readonly attempt: Attempt
  /** Silence is that of somebody behind the server. */
  readonly forwarded: boolean
  /** Each of them ends it at once. */
  readonly signals: readonly AbortSignal[]
  readonly timeoutMs: number | undefined
  /** The error of an end by a signal. */
  aborted(): Error
  /** The error of having no answer. */
  unreachable(cause: Error): Error
}

/** The end of an exchange, by whatever comes first: an answer, a signal, its time. */
export interface Ending<T> {
  readonly answer: Promise<T>
  isOver(): boolean
  /** Ends it, unless it has ended: with the value of `conclude`, or with what that throws. */
  finish(conclude: () => T): void
  /** Ends it with an error, and the request with it. */
  giveUp(error: Error): void
  /** What the request is ended by, as soon as it has a connection. */
  takeOver(controller: Dispatcher.DispatchController): void
}

/** @param onEnd called once, before anybody hears of the end */
export function endingOf<T>(
  { attempt, forwarded, signals, timeoutMs, aborted, unreachable }: EndingTerms,
  onEnd: () => void,
): Ending<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  let isOver = false
  let controller: Dispatcher.DispatchController | undefined

  const finish = (conclude: () => T) => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    onEnd()
    for (const signal of signals) signal.removeEventListener('abort', abort)
    try {
      resolve(conclude())
    } catch (error) {
      reject(error)
    }
  }
  // For the caller it ends at once; a request that still waits for a connection is dropped when it gets one.
  const giveUp = (error: Error) => {
    finish(() => {
      throw error
    })
    controller?.abort(error)
  }
  const abort = () => {
    attempt.abandoned()
    giveUp(aborted())
  }
  const expire = () => {
    if (!forwarded) attempt.failed()
    giveUp(unreachable(new Error(`no full answer within ${timeoutMs} ms`)))
  }
  for (const signal of signals) signal.addEventListener('abort', abort, { once: true })
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs)
  return {
    answer: promise,
    isOver: () => isOver,
    finish,
    giveUp,
    takeOver: (given) => {
      controller = given
      if (isOver) given.abort(new Error('its caller has given up'))
    },
  }
}
