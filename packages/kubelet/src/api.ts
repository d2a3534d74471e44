import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Registry } from 'prom-client'
import { send } from './answer.ts'
import type { Authorize } from './auth/access.ts'
import { admit } from './auth/admit.ts'
import type { Authenticate } from './auth/authenticate.ts'
import { type ClientCA, parseClientCA } from './auth/client-ca.ts'
import type { Log } from './log.ts'
import { createKubeletMetrics, type KubeletMetrics } from './metrics.ts'
import { attributesOf, pathOf } from './routes/attributes.ts'
import type { NodeContext, RequestContext } from './routes/context.ts'
import { createRouter } from './routes/router.ts'
import type { Flags } from './routes/zpages.ts'
import { createSpares } from './tunnel/spare.ts'

export interface KubeletApiOptions {
  readonly authenticate: Authenticate
  readonly authorize: Authorize
  /** PEM bundle of the authorities of client certificates; without it only tokens are accepted. */
  readonly clientCA?: string | undefined
  readonly registry: Registry
  readonly log: Log
  /** Of the process, for /flagz. */
  readonly flags?: Flags
}

/** The kubelet API of all virtual nodes of a process: one table of routes, one set of caches; a listener for each node. */
export interface KubeletApi {
  readonly clientCA: ClientCA | undefined
  readonly log: Log
  /**
   * Replaces the bundle; connections whose certificate is not of the new one lose their rights at once. One that cannot be
   * read is logged and changes nothing.
   */
  updateClientCA(pem: string | undefined): void
  onClientCA(listener: () => void): () => void
  handleRequest(node: NodeContext, request: IncomingMessage, response: ServerResponse): void
  handleUpgrade(node: NodeContext, request: IncomingMessage, socket: Socket, head: Buffer): void
}

const countedMethods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])

/** Builds the shared part; throws if the bundle is broken. */
export async function createKubeletApi(options: KubeletApiOptions): Promise<KubeletApi> {
  const { authenticate, authorize, registry, log } = options
  const metrics = createKubeletMetrics(registry)
  const contexts = new WeakMap<IncomingMessage, RequestContext>()
  const router = createRouter(contexts, metrics, log, options.flags ?? {})
  await router.ready()
  const spares = createSpares()
  const listeners = new Set<() => void>()
  let clientCA = options.clientCA === undefined ? undefined : parseClientCA(options.clientCA)

  const handle = async (
    node: NodeContext,
    request: IncomingMessage,
    response: ServerResponse,
    upgrade?: UpgradeEnd,
  ) => {
    const answered = observe(request, response, metrics)
    const admission = await admit(request, node.nodeName, clientCA, { authenticate, authorize, log })
    if ('refused' in admission) return send(response, admission.refused)
    contexts.set(request, {
      ...admission.admitted,
      node,
      spares,
      answered,
      ...(upgrade && { upgrade: { request, response, ...upgrade } }),
    })
    router.routing(request, response)
  }
  const start = (node: NodeContext, request: IncomingMessage, response: ServerResponse, upgrade?: UpgradeEnd) => {
    handle(node, request, response, upgrade).catch((error: unknown) => {
      log({ level: 'error', event: 'request-failed', node: node.nodeName, error: String(error) })
      response.destroy()
    })
  }

  return {
    log,
    get clientCA() {
      return clientCA
    },
    updateClientCA(pem) {
      if (pem === clientCA?.pem) return
      try {
        clientCA = pem === undefined ? undefined : parseClientCA(pem)
      } catch (error) {
        log({ level: 'error', event: 'client-ca-broken', error: String(error) })
        return
      }
      for (const listener of listeners) listener()
    },
    onClientCA(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    handleRequest: start,
    handleUpgrade(node, request, socket, head) {
      // Node has let go of the socket: from here on its errors are ours.
      socket.on('error', () => socket.destroy())
      const response = new ServerResponse(request)
      response.shouldKeepAlive = false
      response.assignSocket(socket)
      // A server does this for its responses: without it an answer of more than a buffer stops in the middle.
      socket.on('drain', () => response.emit('drain'))
      response.once('finish', () => hangUp(socket))
      start(node, request, response, { socket, head })
    },
  }
}

interface UpgradeEnd {
  readonly socket: Socket
  readonly head: Buffer
}

/** Until a client that has its answer, but does not hang up, is cut off: no limit of Node's servers holds any more. */
const LINGER_MS = 2_000

function hangUp(socket: Socket): void {
  socket.end()
  // What is left unread would make the kernel reset the connection, perhaps before the answer is read.
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}

function observe(request: IncomingMessage, response: ServerResponse, metrics: KubeletMetrics): (code: number) => void {
  const { method = '' } = request
  const path = pathOf(request.url ?? '')
  const route = (path !== undefined && attributesOf(method, path).area?.base) || 'other'
  let counted = false
  const answered = (code: number) => {
    if (counted) return
    counted = true
    metrics.requests.inc({ route, method: countedMethods.has(method) ? method : 'other', code: String(code) })
  }
  response.once('close', () => answered(response.headersSent ? response.statusCode : 499))
  return answered
}
