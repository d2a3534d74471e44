import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer, request as httpsRequest, type Server } from 'node:https'
import type { Duplex } from 'node:stream'
import type { Credential } from '../pki/authority.ts'
import { type CannedStatus, cannedAnswer, expiredEvent } from './canned.ts'
import { type Verb, verbOf } from './verb.ts'

/** One request that the proxy saw, in order. */
export interface SeenRequest {
  readonly verb: Verb
  readonly method: string
  /** With its query. */
  readonly path: string
  /** In which form an answer is asked for. */
  readonly accept: string | undefined
}

export interface AnswerOptions {
  /** Which requests get the answer; default all. */
  readonly match?: (method: string, path: string) => boolean
  /** How many of them; default all, until `restore`. */
  readonly times?: number
  /** What the Status says, in place of the usual words. */
  readonly message?: string
  /** The API server carries the request out, and what it answers is lost: as when it is too late. Not for upgrades. */
  readonly isCarriedOut?: boolean
}

interface Rule {
  readonly status: CannedStatus
  readonly match: (method: string, path: string) => boolean
  readonly message: string | undefined
  readonly isCarriedOut: boolean
  left: number
}

interface RunningWatch {
  /** Whether what passed so far ends with a whole event. */
  atLineEnd: boolean
  expiring: boolean
}

export interface GatewayInput {
  /** URL of the API server. */
  readonly upstream: string
  readonly ca: string
  /** What we serve with. */
  readonly credential: Credential
  readonly socketPath: string
}

/**
 * The part of the proxy that sees HTTP: ends the client's TLS, forwards over its own, passes bodies on as they come and
 * upgraded connections as bytes. Credentials in headers pass; client certificates cannot.
 */
export class Gateway {
  readonly seen: SeenRequest[] = []
  readonly #upstream: URL
  readonly #agent: Agent
  readonly #server: Server
  readonly #watches = new Map<ServerResponse, RunningWatch>()
  #rules: Rule[] = []

  constructor({ upstream, ca, credential, socketPath }: GatewayInput) {
    this.#upstream = new URL(upstream)
    this.#agent = new Agent({ ca, keepAlive: true })
    this.#server = createServer({ cert: credential.certificate, key: credential.key, ALPNProtocols: ['http/1.1'] })
    // The API server knows no such limits for streams, and a long idle connection is not to be closed by us.
    Object.assign(this.#server, { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 })
    this.#server.on('request', (request, response) => this.#forward(request, response))
    this.#server.on('upgrade', (request, socket, head) => this.#tunnel(request, socket, head))
    this.#server.on('tlsClientError', () => {})
    this.#server.listen(socketPath)
  }

  answer(status: CannedStatus, options: AnswerOptions): void {
    const { match = () => true, times = Number.POSITIVE_INFINITY, message, isCarriedOut = false } = options
    this.#rules.push({ status, match, message, isCarriedOut, left: times })
  }

  clearAnswers(): void {
    this.#rules = []
  }

  /** Ends running watches as the API server does when their resourceVersion was compacted away. */
  expireWatches(): void {
    for (const [response, watch] of this.#watches) {
      watch.expiring = true
      if (response.getHeader('content-encoding')) response.destroy()
      else if (watch.atLineEnd) response.end(expiredEvent)
    }
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
    this.#agent.destroy()
  }

  #note(request: IncomingMessage): SeenRequest {
    const { method = 'GET', url: path = '/', headers } = request
    const seen = { verb: verbOf(method, path), method, path, accept: headers.accept }
    this.seen.push(seen)
    return seen
  }

  #ruleFor({ method, path }: SeenRequest): Rule | undefined {
    const rule = this.#rules.find((r) => r.left > 0 && r.match(method, path))
    if (rule) rule.left--
    return rule
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const seen = this.#note(request)
    const isWatch = seen.verb === 'WATCH' || seen.verb === 'WATCHLIST'
    const rule = this.#ruleFor(seen)
    const canned = rule && cannedAnswer(rule.status, isWatch, rule.message)
    if (canned && !rule.isCarriedOut) {
      request.resume()
      response.writeHead(canned.code, canned.headers).end(canned.body)
      return
    }
    const forwarded = httpsRequest(this.#upstream, this.#options(request))
    forwarded.on('response', (answer) => {
      if (canned) {
        answer.resume()
        response.writeHead(canned.code, canned.headers).end(canned.body)
        return
      }
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.rawHeaders))
      response.flushHeaders()
      const watch = { atLineEnd: true, expiring: false }
      if (isWatch) this.#watches.set(response, watch)
      answer.on('data', (chunk: Buffer) => {
        // What has ended is still called writable by Node; events may follow the one that ended the watch.
        if (response.writableEnded || response.destroyed) return
        watch.atLineEnd = chunk.at(-1) === lineEnd
        const flowing = response.write(chunk)
        if (watch.expiring && watch.atLineEnd) response.end(expiredEvent)
        else if (!flowing) {
          answer.pause()
          response.once('drain', () => answer.resume())
        }
      })
      answer.on('end', () => response.end())
      answer.on('error', () => response.destroy())
    })
    forwarded.on('error', () => response.destroy())
    response.on('close', () => {
      this.#watches.delete(response)
      forwarded.destroy()
    })
    request.pipe(forwarded)
  }

  #tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const seen = this.#note(request)
    socket.on('error', () => {})
    const rule = this.#ruleFor(seen)
    if (rule) {
      const { code, headers, body } = cannedAnswer(rule.status, false, rule.message)
      socket.end(rawHead(code, '', Object.entries({ ...headers, connection: 'close' }).flat()) + body)
      return
    }
    const options = this.#options(request)
    const forwarded = httpsRequest(this.#upstream, {
      ...options,
      agent: false,
      ca: this.#agent.options.ca,
      headers: hostFirst(request.rawHeaders, this.#upstream.host),
    })
    forwarded.on('upgrade', (answer, far: Duplex, farHead: Buffer) => {
      socket.write(rawHead(101, answer.statusMessage ?? '', answer.rawHeaders))
      if (farHead.length > 0) socket.write(farHead)
      if (head.length > 0) far.write(head)
      far.on('error', () => socket.destroy())
      far.on('close', () => socket.destroy())
      socket.on('close', () => far.destroy())
      socket.pipe(far)
      far.pipe(socket)
    })
    forwarded.on('response', (answer) => {
      socket.write(
        rawHead(answer.statusCode ?? 502, answer.statusMessage ?? '', [
          ...endToEnd(answer.rawHeaders),
          'Connection',
          'close',
        ]),
      )
      answer.pipe(socket)
    })
    forwarded.on('error', () => socket.destroy())
    socket.on('close', () => forwarded.destroy())
    forwarded.end()
  }

  #options(request: IncomingMessage) {
    return {
      agent: this.#agent,
      method: request.method,
      path: request.url,
      headers: hostFirst(endToEnd(request.rawHeaders), this.#upstream.host),
    }
  }
}

const lineEnd = 10

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers, as Node lists them raw (name, value, name, value), without those that concern one connection only. */
function endToEnd(raw: readonly string[]): string[] {
  return raw.filter((_, i) => !hopByHop.has((raw[i - (i % 2)] ?? '').toLowerCase()))
}

function hostFirst(raw: readonly string[], host: string): string[] {
  return ['Host', host, ...raw.filter((_, i) => (raw[i - (i % 2)] ?? '').toLowerCase() !== 'host')]
}

function rawHead(code: number, message: string, raw: readonly string[]): string {
  const lines = raw.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${raw[i + 1] ?? ''}`] : []))
  return [`HTTP/1.1 ${code} ${message}`, ...lines, '', ''].join('\r\n')
}
