import type { OutgoingHttpHeaders } from 'node:http'
import type { Agent, RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import { type buildConnector, type Dispatcher, ProxyAgent, Socks5ProxyAgent, Agent as UndiciAgent } from 'undici'

export interface KubeConfigSource {
  /** Path of a kubeconfig file; without file and text: $KUBECONFIG, ~/.kube/config or the pod's ServiceAccount. */
  readonly file?: string | undefined
  /** Content of a kubeconfig (YAML or JSON). */
  readonly text?: string | undefined
  readonly context?: string | undefined
  /**
   * Refuses what would run a program or read a file on this machine. For kubeconfigs that come out of the API: whoever
   * may write a Secret must not thereby run commands as us.
   */
  readonly selfContained?: boolean
}

/** A kubeconfig cannot be used as it is; the message says what to change. */
export class KubeConfigError extends Error {
  override readonly name = 'KubeConfigError'
}

/** Loads a kubeconfig and selects its context. Throws {@link KubeConfigError}; never repeats the file's content. */
export function loadKubeConfig(source: KubeConfigSource = {}): KubeConfig {
  const config = new KubeConfig()
  const origin = source.file ?? (source.text === undefined ? 'the default kubeconfig' : 'the kubeconfig')
  try {
    if (source.text !== undefined) config.loadFromString(source.text)
    else if (source.file !== undefined) config.loadFromFile(source.file)
    else config.loadFromDefault()
  } catch (cause) {
    // A YAML error quotes the lines around it, which may hold a key or a token.
    const { code } = cause as NodeJS.ErrnoException
    throw new KubeConfigError(
      code
        ? `${origin} cannot be read: ${code}`
        : `${origin} is not a valid kubeconfig (YAML with clusters, users, contexts)`,
    )
  }
  const names = config.getContexts().map((context) => context.name)
  if (source.context !== undefined) {
    if (!names.includes(source.context)) {
      throw new KubeConfigError(`${origin} has no context "${source.context}"; it has: ${names.join(', ') || 'none'}`)
    }
    config.setCurrentContext(source.context)
  } else if (!config.getCurrentContext() && names.length === 1 && names[0] !== undefined) {
    config.setCurrentContext(names[0])
  }
  const cluster = config.getCurrentCluster()
  if (!cluster) {
    throw new KubeConfigError(
      `${origin} does not say which cluster to use: set current-context or name a context (${names.join(', ') || 'it has none'})`,
    )
  }
  if (!URL.canParse(cluster.server)) {
    throw new KubeConfigError(`${origin}: cluster "${cluster.name}" has no valid server URL`)
  }
  if (source.selfContained) refuseForeignPowers(config, origin)
  return config
}

function refuseForeignPowers(config: KubeConfig, origin: string): void {
  const user = config.getCurrentUser()
  const power =
    (user?.exec && 'runs an exec plug-in') ||
    (user?.authProvider && 'uses an auth-provider') ||
    ((user?.certFile || user?.keyFile || config.getCurrentCluster()?.caFile) && 'refers to files')
  if (power) {
    throw new KubeConfigError(
      `${origin} ${power}, which is not possible where it is used: embed certificates (kubectl config view --flatten --minify) or a ServiceAccount token`,
    )
  }
}

/** How one API server is reached and logged in to. */
export interface Transport {
  readonly server: URL
  /** For requests that end: a bounded pool of keep-alive connections. */
  readonly requests: Dispatcher
  /** For watches: a connection each, so that they never take one from the requests. */
  readonly streams: Dispatcher
  /** Login headers; may read a token file or run an exec plug-in, which client-node caches by expiry. */
  headers(): Promise<OutgoingHttpHeaders>
  /** Options for node:https, for connections that are upgraded. */
  upgradeOptions(): Promise<RequestOptions>
  close(): Promise<void>
}

export interface TransportOptions {
  /** Requests in flight at most. */
  readonly maxConnections?: number
  readonly connectTimeoutMs?: number
  /** Time an API server may take to begin an answer; its own limit is 60 s (--request-timeout). */
  readonly answerTimeoutMs?: number
}

/** TLS, proxies and credentials from a kubeconfig, by client-node; pooling and time-outs by undici. */
export async function createTransport(config: KubeConfig, options: TransportOptions = {}): Promise<Transport> {
  const { maxConnections = 64, connectTimeoutMs = 5_000, answerTimeoutMs = 65_000 } = options
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new KubeConfigError('the kubeconfig has no current context')
  const tls: RequestOptions = { headers: {} }
  await config.applyToHTTPSOptions(tls)

  // Node and undici type the same TLS options with other optionality.
  const connector = (options: object) => ({ ...options, timeout: connectTimeoutMs }) as buildConnector.BuildOptions
  const dispatcher = (connections: number | null): Dispatcher => {
    const pool = {
      connections,
      pipelining: 1,
      headersTimeout: answerTimeoutMs,
      bodyTimeout: 0,
      keepAliveTimeout: 60_000,
    }
    const via = config.createDispatcherOptions(cluster, tls as Parameters<KubeConfig['createDispatcherOptions']>[1])
    switch (via.type) {
      case 'proxy':
        return new ProxyAgent({ ...pool, uri: via.uri, requestTls: connector(via.requestTls) })
      case 'socks':
        return new Socks5ProxyAgent(via.uri, { ...pool, requestTls: connector(via.requestTls) })
      case 'agent':
        return new UndiciAgent({ ...pool, connect: connector(via.connect) })
      case 'none':
        return new UndiciAgent({ ...pool, connect: connector({}) })
    }
  }
  const requests = dispatcher(maxConnections)
  const streams = dispatcher(null)

  const login = async (): Promise<RequestOptions> => {
    const login: RequestOptions = { headers: {} }
    await config.applyToHTTPSOptions(login)
    return login
  }
  const authorization = ({ headers, auth }: RequestOptions): OutgoingHttpHeaders => ({
    ...(headers as OutgoingHttpHeaders),
    ...(auth && { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` }),
  })
  // A static login is computed once: this is on the path of every request.
  const user = config.getCurrentUser()
  const changes = Boolean(user?.exec || user?.authProvider)
  const fixed = changes ? undefined : authorization(tls)

  return {
    server: new URL(cluster.server),
    requests,
    streams,
    headers: async () => fixed ?? authorization(await login()),
    async upgradeOptions() {
      const options = await login()
      return { ...options, headers: authorization(options), agent: options.agent as Agent }
    },
    async close() {
      await Promise.all([requests.destroy(), streams.destroy()])
    },
  }
}
