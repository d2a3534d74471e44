import type { ServerResponse } from 'node:http'

/** An answer in plain text, as the kubelet's are. */
export interface Answer {
  readonly code: number
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

export function send(response: ServerResponse, { code, text, headers }: Answer): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(code, {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(text)
}

export function sendJson(response: ServerResponse, value: unknown): void {
  send(response, { code: 200, text: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } })
}

/** A leaf does not know our own login: its 401, passed on, would read as if the user were not logged in. Pure. */
export function loginRefused(cluster: string): Answer {
  return { code: 502, text: `cluster ${cluster} does not accept the credentials that Kosmos has for it` }
}

/** Whoever follows a leaf to another place, and logs in there, may be led astray. Pure. */
export function redirectRefused(cluster: string): Answer {
  return { code: 502, text: `cluster ${cluster} redirects the request, which is not followed` }
}

/** Pure. */
export function isRedirect(code: number): boolean {
  return code >= 300 && code < 400
}
