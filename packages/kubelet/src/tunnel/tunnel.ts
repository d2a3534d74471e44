import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { ClusterUnreachable, type Connection } from '@kosmos/kube'
import { isRedirect, loginRefused, redirectRefused, send } from '../answer.ts'
import { refusalHeaders, requestHeaders, switchingHead } from './headers.ts'
import type { Spares } from './spare.ts'
import { splice } from './splice.ts'

/** A client's request to upgrade, as Node hands it over: nothing has been answered yet. */
export interface Upgrade {
  readonly request: IncomingMessage
  /** Writes to the socket; for everything but 101. */
  readonly response: ServerResponse
  readonly socket: Socket
  /** What the client sent behind its request. */
  readonly head: Buffer
}

export interface TunnelTarget {
  readonly connection: Connection
  /** Path and query of the leaf's API that upgrades. */
  readonly path: string
}

export interface TunnelLimits {
  /** The kubelet's `streamingConnectionIdleTimeout`. */
  readonly idleMs: number
  readonly connectMs: number
  /** Until the leaf has answered the upgrade. */
  readonly answerMs: number
}

export const defaultTunnelLimits: TunnelLimits = { idleMs: 4 * 3600_000, connectMs: 5_000, answerMs: 65_000 }

/** Until a session has its first bytes, usually. */
const SETTLED_MS = 100

type LeafAnswer =
  | {
      readonly kind: 'switched'
      readonly message: IncomingMessage
      readonly socket: Socket
      readonly head: Buffer
      /** What the connection was opened with. */
      readonly options: Parameters<Spares['prepare']>[1]
    }
  | { readonly kind: 'refused'; readonly message: IncomingMessage }
  | { readonly kind: 'none'; readonly code: 502 | 503 | 504; readonly text: string }
  /** The client has left, so that nobody asks any more. */
  | { readonly kind: 'left' }

/**
 * Asks the leaf for the upgrade that the client asked for and, once granted, joins the two sockets. What is spoken in
 * between (SPDY, WebSocket) is none of its business. A refusal goes back with its status and body. `switched`
 * is called at 101. Resolves when all is over.
 */
export async function tunnel(
  upgrade: Upgrade,
  target: TunnelTarget,
  spares: Spares,
  switched: () => void = () => {},
  limits: TunnelLimits = defaultTunnelLimits,
): Promise<void> {
  const { response, socket, head } = upgrade
  const leaf = await askLeaf(upgrade, target, spares, limits)
  if (leaf.kind === 'left') {
    socket.destroy()
    return
  }
  if (leaf.kind === 'none') return send(response, leaf)
  if (leaf.kind === 'refused') return await passRefusal(leaf.message, response, target.connection.name)
  switched()
  response.detachSocket(socket)
  socket.write(switchingHead(leaf.message.statusMessage ?? '', leaf.message.rawHeaders))
  if (head.length > 0) socket.unshift(head)
  if (leaf.head.length > 0) leaf.socket.unshift(leaf.head)
  // Where one session is others follow, but this one comes first.
  setTimeout(() => spares.prepare(target.connection, leaf.options), SETTLED_MS).unref()
  await splice(socket, leaf.socket, limits.idleMs)
}

async function askLeaf(
  { request, socket }: Upgrade,
  target: TunnelTarget,
  spares: Spares,
  limits: TunnelLimits,
): Promise<LeafAnswer> {
  const { connection, path } = target
  const retryMs = connection.breaker.retryInMs()
  if (retryMs > 0) return unreachable(connection, `not answering; next attempt in ${Math.ceil(retryMs / 1000)} s`)
  const asked = await connection.upgradeOptions(path).catch((error: unknown) => {
    if (error instanceof ClusterUnreachable) return error
    throw error
  })
  if (asked instanceof ClusterUnreachable) return { kind: 'none', code: 503, text: asked.message }
  if (hasLeft(socket)) return { kind: 'left' }
  const { headers: login, ...options } = asked
  const spare = spares.take(connection, options)
  const leaf = (options.protocol === 'http:' ? http : https).request({
    ...options,
    method: request.method,
    // As an array, so that repeated headers stay repeated.
    headers: requestHeaders(request.rawHeaders, login, connection.server.host) as unknown as http.OutgoingHttpHeaders,
    allowHalfOpen: true,
    ...(spare && { agent: undefined, createConnection: () => spare }),
  } as https.RequestOptions)
  return await new Promise((resolve) => {
    const clientGone = () => settle({ kind: 'left' })
    const answerTimer = setTimeout(() => settle(noAnswer(connection, limits.answerMs)), limits.answerMs)
    let connectTimer: NodeJS.Timeout | undefined
    // Whether a spare connection still leads somewhere shows only by others.
    const lost = () => {
      if (connection.breaker.retryInMs() > 0) settle(unreachable(connection, 'not answering'))
    }
    const spareTimer = spare && setInterval(lost, limits.connectMs / 20)
    const settle = (answer: LeafAnswer) => {
      clearInterval(spareTimer)
      clearTimeout(answerTimer)
      clearTimeout(connectTimer)
      for (const event of leaving) socket.off(event, clientGone)
      if (answer.kind === 'none' || answer.kind === 'left') leaf.destroy()
      resolve(answer)
    }
    for (const event of leaving) socket.once(event, clientGone)
    leaf.once('socket', (leafSocket: Socket) => {
      if (!leafSocket.connecting) return
      connectTimer = setTimeout(
        () => settle(unreachable(connection, `no connection within ${limits.connectMs} ms`)),
        limits.connectMs,
      )
      leafSocket.once(leafSocket instanceof TLSSocket ? 'secureConnect' : 'connect', () => clearTimeout(connectTimer))
    })
    leaf.once('upgrade', (message, leafSocket: Socket, head) =>
      settle({ kind: 'switched', message, socket: leafSocket, head, options }),
    )
    leaf.once('response', (message) => settle({ kind: 'refused', message }))
    // Stays for errors after the answer, which the sockets report as well.
    leaf.on('error', (error) => settle(unreachable(connection, error.message)))
    leaf.end()
  })
}

/** Nobody ends a session before it is granted, so that an end is a good-bye, as it is for Go's servers. */
const leaving = ['close', 'end'] as const

function hasLeft({ destroyed, readableEnded }: Socket): boolean {
  return destroyed || readableEnded
}

function unreachable({ name, server }: Connection, why: string): LeafAnswer {
  return { kind: 'none', code: 503, text: `cluster ${name} cannot be reached at ${server.origin}: ${why}` }
}

function noAnswer({ name, server }: Connection, ms: number): LeafAnswer {
  return { kind: 'none', code: 504, text: `cluster ${name} at ${server.origin} did not answer within ${ms / 1000} s` }
}

async function passRefusal(message: IncomingMessage, response: ServerResponse, cluster: string): Promise<void> {
  const { statusCode: code = 502 } = message
  if (code === 401 || isRedirect(code)) {
    message.destroy()
    return send(response, code === 401 ? loginRefused(cluster) : redirectRefused(cluster))
  }
  response.shouldKeepAlive = false
  response.writeHead(code, message.statusMessage, refusalHeaders(message.rawHeaders))
  await new Promise<void>((resolve) => pipeline(message, response, () => resolve()))
}
