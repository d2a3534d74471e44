import { X509Certificate } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http'
import type { Agent, RequestOptions } from 'node:https'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { KubeConfig } from '@kubernetes/client-node'
import { type buildConnector, type Dispatcher, ProxyAgent, Agent as UndiciAgent } from 'undici'
import { errorOf } from '../observe/observe.ts'
import { impersonationHeaders, isRepeated } from './impersonation.ts'
import { KubeConfigError } from './kubeconfig.ts'
import { cancelLateAnswers } from './late-answers.ts'
import { socksConnector } from './socks.ts'

/** How one API server is reached and logged in to. */
export interface Transport {
  readonly server: URL
  /** For requests that end. */
  readonly requests: Dispatcher
  /** For watches, apart, so that they never take a place from the requests. */
  readonly streams: Dispatcher
  /** Login headers; may read a token file or run an exec plug-in, which client-node caches by expiry. */
  headers(): Promise<OutgoingHttpHeaders>
  /** Options for node:https, for connections that are upgraded. */
  upgradeOptions(): Promise<RequestOptions & { readonly secureContext?: SecureContext }>
  /** Takes nothing new; what is under way ends by itself, and with the last of it the sockets. */
  retire(): Promise<void>
  close(): Promise<void>
}

// Once a process: it is about the HTTP/2 streams of all connections.
cancelLateAnswers()

export interface TransportOptions {
  /** Connections for requests at most; with HTTP/1.1 also the requests in flight. */
  readonly maxConnections?: number
  readonly connectTimeoutMs?: number
  /** Time an API server may take to begin an answer, or to go on with it; its own limit is 60 s (--request-timeout). */
  readonly answerTimeoutMs?: number
  /**
   * How often an HTTP/2 connection is asked whether it is alive; one that has not answered by the next time is given up, for a
   * firewall or a balancer may forget it without a word. Default: 20 s, twice of which is less than nodes may be late (50 s).
   */
  readonly pingMs?: number
}

/**
 * TLS, proxies and credentials from a kubeconfig, by client-node; pooling and time-outs by undici. Throws
 * {@link KubeConfigError} when certificates cannot be used or a login cannot be had.
 */
export async function createTransport(config: KubeConfig, options: TransportOptions = {}): Promise<Transport> {
  const { maxConnections = 64, connectTimeoutMs = 5_000, answerTimeoutMs = 65_000, pingMs = 20_000 } = options
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new KubeConfigError('the kubeconfig has no current context')
  const tls = await login(config).catch((thrown: unknown) => {
    throw new KubeConfigError(`the login of the kubeconfig cannot be used: ${errorOf(thrown).message.trim()}`)
  })
  checkCertificates(tls)
  const impersonated = impersonationHeaders(config.getCurrentUser())

  // Measured: half the CPU and a quarter less memory than HTTP/1.1 with as many sockets (docs/adr/0002).
  const allowH2 = !isRepeated(impersonated)
  // Node and undici type the same TLS options with other optionality.
  const connector = (options: object) => ({ ...options, timeout: connectTimeoutMs }) as buildConnector.BuildOptions
  const dispatcher = (connections: number | null, bodyTimeout: number): Dispatcher => {
    const pool = {
      connections,
      pipelining: 1,
      allowH2,
      h2Options: { pingInterval: pingMs },
      headersTimeout: answerTimeoutMs,
      bodyTimeout,
      keepAliveTimeout: 60_000,
      connectTimeout: connectTimeoutMs,
    }
    const via = config.createDispatcherOptions(cluster, tls as Parameters<KubeConfig['createDispatcherOptions']>[1])
    switch (via.type) {
      case 'proxy':
        return new ProxyAgent({ ...pool, uri: via.uri, requestTls: connector(via.requestTls) })
      case 'socks':
        return new UndiciAgent({
          ...pool,
          connect: socksConnector(via.uri, connector({ ...via.requestTls, allowH2 }), connectTimeoutMs),
        })
      case 'agent':
        return new UndiciAgent({ ...pool, connect: connector(via.connect) })
      case 'none':
        return new UndiciAgent({ ...pool, connect: connector({}) })
    }
  }
  const requests = dispatcher(maxConnections, answerTimeoutMs)
  // A stream says itself how long it may be silent.
  const streams = dispatcher(null, 0)

  // A static login is computed once: this is on the path of every request.
  const user = config.getCurrentUser()
  const changes = Boolean(user?.exec || user?.authProvider)
  const fixed = changes ? undefined : authorization(tls)
  let pending: Promise<RequestOptions> | undefined
  // One for all who wait: an exec plug-in is run once, not once a request.
  const current = (): Promise<RequestOptions> => {
    pending ??= login(config).finally(() => {
      pending = undefined
    })
    return pending
  }

  // Reading the same certificates and key for each connection takes longer than a short handshake.
  let read: SecureContext | undefined
  const context = () => {
    read ??= createSecureContext(tls as SecureContextOptions)
    return read
  }

  return {
    server: new URL(cluster.server),
    requests,
    streams,
    headers: async () => fixed ?? authorization(await current()),
    async upgradeOptions() {
      // With the same agent again, which keeps TLS sessions: the next handshake is a short one.
      if (!changes) return { ...tls, headers: authorization(tls), agent: tls.agent as Agent, secureContext: context() }
      const options = await current()
      return { ...options, headers: authorization(options), agent: options.agent as Agent }
    },
    async retire() {
      await Promise.all([requests.close(), streams.close()])
    },
    async close() {
      await Promise.all([requests.destroy(), streams.destroy()])
    },
  }
}

async function login(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = { headers: {} }
  await config.applyToHTTPSOptions(options)
  options.headers = { ...options.headers, ...impersonationHeaders(config.getCurrentUser()) } as OutgoingHttpHeaders
  return options
}

function authorization({ headers, auth }: RequestOptions): OutgoingHttpHeaders {
  const given = headers as OutgoingHttpHeaders
  const { Authorization } = given
  return {
    ...given,
    // A token that was read from a file may end with a newline.
    ...(typeof Authorization === 'string' && { Authorization: Authorization.trim() }),
    ...(auth && { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` }),
  }
}

/** TLS would say it when it connects, or not at all, in words that tell nobody where to look. */
function checkCertificates({ ca, cert, key }: SecureContextOptions): void {
  if (ca && !succeeds(() => new X509Certificate(String(ca)))) {
    throw new KubeConfigError('certificate-authority of the kubeconfig is not a PEM certificate')
  }
  if (Boolean(cert) !== Boolean(key)) {
    throw new KubeConfigError('the kubeconfig has only one of client-certificate and client-key; both are needed')
  }
  if (cert && key && !succeeds(() => createSecureContext({ cert, key }))) {
    throw new KubeConfigError(
      'client-certificate and client-key of the kubeconfig are not a PEM pair that fits together',
    )
  }
}

function succeeds(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}
