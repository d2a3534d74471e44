import { fieldManagers } from '@kosmos/api'
import {
  ApiError,
  Client,
  ClusterUnreachable,
  Connection,
  type ConnectionOptions,
  createTransport,
  KubeConfigError,
  type KubeConfigSource,
  kubeConfigFiles,
  loadKubeConfig,
} from '@kosmos/kube'
import { type AskedBy, explain } from '../terminal/explain.ts'

export type LoadedKubeConfig = ReturnType<typeof loadKubeConfig>

/** A cluster that a command speaks to: `root`, or `leaf`. Close its connection at the end. */
export interface OpenCluster {
  readonly client: Client
  readonly config: LoadedKubeConfig
  readonly server: string
  /** Undefined: by credentials that somebody keeps elsewhere than in a file. */
  readonly askedBy: AskedBy | undefined
}

/** The namespace that is meant where none is said: that of the context. */
export function namespaceOf({ config }: Pick<OpenCluster, 'config'>): string {
  return config.getContextObject(config.getCurrentContext())?.namespace ?? 'default'
}

/** Loads a kubeconfig and prepares a connection; nothing is sent yet. Throws KubeConfigError. */
export async function openCluster(
  name: string,
  source: KubeConfigSource,
  options: ConnectionOptions = {},
): Promise<OpenCluster> {
  const config = loadKubeConfig(source)
  const transport = await createTransport(config, { maxConnections: 8, answerTimeoutMs: 20_000 }).catch((cause) => {
    throw new KubeConfigError(`${name}: the kubeconfig cannot be used: ${(cause as Error).message}`)
  })
  // A person waits: tell of an overloaded API server after seconds, not minutes.
  const connection = new Connection(name, transport, { maxRetries: 3, breaker: { threshold: 1_000 }, ...options })
  const server = transport.server.href
  const askedBy = source.text === undefined ? { kubeconfig: kubeConfigOf(source, config), server } : undefined
  return { client: new Client(connection, fieldManagers.kosmosctl), config, server, askedBy }
}

/** The context and the file that were taken, as a person finds them. */
function kubeConfigOf(source: KubeConfigSource, config: LoadedKubeConfig): string {
  const context = config.getCurrentContext()
  if (context === 'inClusterContext') return "this pod's ServiceAccount"
  return `context "${context}" in ${kubeConfigFiles(source).join(', ')}`
}

/** Opens clusters for the time of the work. What they refuse and nobody expected is told with the kubeconfig that they were asked by. */
export async function withClusters<const Names extends string, T>(
  sources: Readonly<Record<Names, KubeConfigSource>>,
  work: (open: Readonly<Record<Names, OpenCluster>>) => Promise<T>,
): Promise<T> {
  const open: Partial<Record<Names, OpenCluster>> = {}
  try {
    for (const [name, source] of Object.entries(sources) as [Names, KubeConfigSource][]) {
      open[name] = await openCluster(name, source)
    }
    return await work(open as Readonly<Record<Names, OpenCluster>>)
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof ClusterUnreachable)) throw error
    throw explain(error, open[error.cluster as Names]?.askedBy)
  } finally {
    await Promise.all((Object.values(open) as OpenCluster[]).map(({ client }) => client.connection.close()))
  }
}
