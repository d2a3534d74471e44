/** Answers that the fault proxy can give instead of the API server. */
export type CannedStatus = 410 | 429 | 500 | 503 | 504

export interface CannedAnswer {
  readonly code: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const reasons: Readonly<Record<CannedStatus, { reason: string; message: string }>> = {
  410: { reason: 'Expired', message: 'too old resource version (answered by the fault proxy)' },
  429: { reason: 'TooManyRequests', message: 'too many requests (answered by the fault proxy)' },
  500: { reason: 'InternalError', message: 'an error on the server (answered by the fault proxy)' },
  503: { reason: 'ServiceUnavailable', message: 'the server is unavailable (answered by the fault proxy)' },
  504: { reason: 'Timeout', message: 'the request did not complete in time (answered by the fault proxy)' },
}

function statusObject(code: CannedStatus, message = reasons[code].message): object {
  const { reason } = reasons[code]
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, message, code }
}

/** A line of a watch that says that its resourceVersion is gone. */
export const expiredEvent = `${JSON.stringify({ type: 'ERROR', object: statusObject(410) })}\n`

/**
 * The answer to a request as an API server gives it: a Status object; with 429 a Retry-After of a second; 410 to a watch
 * comes as 200 with an ERROR event, since the server has begun to answer when its cache says so (cacher.go, errWatcher).
 */
export function cannedAnswer(code: CannedStatus, isWatch: boolean, message?: string): CannedAnswer {
  const headers = { 'content-type': 'application/json', ...(code === 429 ? { 'retry-after': '1' } : {}) }
  if (code === 410 && isWatch) return { code: 200, headers, body: expiredEvent }
  return { code, headers, body: JSON.stringify(statusObject(code, message)) }
}
