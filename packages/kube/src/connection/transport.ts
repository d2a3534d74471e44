import type { OutgoingHttpHeaders } from 'node:http'
import type { Agent, RequestOptions } from 'node:https'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { KubeConfig } from '@kubernetes/client-node'
import { type buildConnector, type Dispatcher, ProxyAgent, Agent as UndiciAgent } from 'undici'
import { impersonationHeaders, isRepeated } from './impersonation.ts'
import { KubeConfigError } from './kubeconfig.ts'
import { cancelLateAnswers } from './late-answers.ts'
import { createLoginSource, isSameTls, type Login } from './login.ts'
import { socksConnector } from './socks.ts'

interface Pools {
  /** For requests that end. */
  readonly requests: Dispatcher
  /** For watches, apart, so that they never take a place from the requests. */
  readonly streams: Dispatcher
}

/** A login, and the connections that are opened by it. */
export interface LoggedIn extends Pools {
  readonly headers: OutgoingHttpHeaders
  /** The API server did not take the login (401): the next one is had anew, where it may be another. */
  refused(): void
}

/** How one API server is reached and logged in to. */
export interface Transport {
  readonly server: URL
  /** For what is sent at once; may read files or run an exec plug-in. */
  logIn(): Promise<LoggedIn>
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
  const login = await createLoginSource(config)
  const impersonated = impersonationHeaders(config.getCurrentUser())

  // Measured: half the CPU and a quarter less memory than HTTP/1.1 with as many sockets (docs/adr/0002).
  const allowH2 = !isRepeated(impersonated)
  // Node and undici type the same TLS options with other optionality.
  const connector = (options: object) => ({ ...options, timeout: connectTimeoutMs }) as buildConnector.BuildOptions
  const dispatcher = (tls: Login['tls'], connections: number | null, bodyTimeout: number): Dispatcher => {
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
  const open = ({ tls }: Login): Pools => ({
    requests: dispatcher(tls, maxConnections, answerTimeoutMs),
    // A stream says itself how long it may be silent.
    streams: dispatcher(tls, null, 0),
  })
  const loggedIn = (by: Login, pools: Pools) => ({
    by,
    headers: by.headers,
    ...pools,
    refused: () => login.refused(by),
  })
  let last = loggedIn(login.first, open(login.first))
  /** A client certificate belongs to its connections: another one has others. */
  const renewed = (now: Login): LoggedIn => {
    // On the path of every request.
    if (now === last.by) return last
    const former = last
    const isKept = isSameTls(now.tls, former.by.tls)
    last = loggedIn(now, isKept ? { requests: former.requests, streams: former.streams } : open(now))
    // A request that has its login already is sent before this.
    if (!isKept) setImmediate(() => void retire(former).catch(() => {}))
    return last
  }

  // Reading the same certificates and key for each connection takes longer than a short handshake.
  const contexts = new WeakMap<Login, SecureContext>()
  const contextOf = (now: Login): SecureContext => {
    const context = contexts.get(now) ?? createSecureContext(now.tls as SecureContextOptions)
    contexts.set(now, context)
    return context
  }

  return {
    server: new URL(cluster.server),
    async logIn() {
      return renewed(await login.current())
    },
    async upgradeOptions() {
      const now = await login.current()
      // With the same agent again, which keeps TLS sessions: the next handshake is a short one.
      return { ...now.tls, headers: now.headers, agent: now.tls.agent as Agent, secureContext: contextOf(now) }
    },
    retire: () => retire(last),
    async close() {
      await Promise.all([last.requests.destroy(), last.streams.destroy()])
    },
  }
}

/** What is under way ends by itself. */
async function retire({ requests, streams }: Pools): Promise<void> {
  await Promise.all([requests.close(), streams.close()])
}
