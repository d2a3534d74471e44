import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'

export type UpgradeResult =
  | { readonly kind: 'switched'; readonly message: IncomingMessage; readonly socket: Socket; readonly head: Buffer }
  | { readonly kind: 'refused'; readonly message: IncomingMessage; readonly text: string }

export interface UpgradeOptions {
  readonly method?: 'GET' | 'POST'
  readonly token?: string
  /** Further headers, names and values in turn. */
  readonly headers?: readonly string[]
}

/** Asks a served kubelet API for an upgrade as an API server does for `kubectl exec`. */
export function askUpgrade(port: number, path: string, options: UpgradeOptions = {}): Promise<UpgradeResult> {
  const { method = 'POST', token, headers = [] } = options
  const raw = [
    ...['Host', 'vn1', 'Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1', 'Content-Length', '0'],
    ...(token === undefined ? [] : ['Authorization', `Bearer ${token}`]),
    ...headers,
  ]
  return new Promise((resolve, reject) => {
    const request = https.request({
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: raw as never,
      rejectUnauthorized: false,
      agent: false,
      allowHalfOpen: true,
    } as https.RequestOptions)
    request.on('upgrade', (message, socket: Socket, head) => resolve({ kind: 'switched', message, socket, head }))
    request.on('response', (message) => {
      const chunks: Buffer[] = []
      message.on('data', (chunk) => chunks.push(chunk))
      message.on('end', () => resolve({ kind: 'refused', message, text: Buffer.concat(chunks).toString('utf8') }))
    })
    request.on('error', reject)
    request.end()
  })
}
