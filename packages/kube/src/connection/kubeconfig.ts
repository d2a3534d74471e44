import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { KubeConfig } from '@kubernetes/client-node'
import { load } from 'js-yaml'

export interface KubeConfigSource {
  /** Path of a kubeconfig file; without file and text: $KUBECONFIG, ~/.kube/config or the pod's ServiceAccount. */
  readonly file?: string | undefined
  /** Content of a kubeconfig (YAML or JSON). */
  readonly text?: string | undefined
  readonly context?: string | undefined
  /**
   * Refuses what would run a program or read a file on this machine. For kubeconfigs that come out of the API: whoever
   * may write a Secret must not thereby run commands as us, nor have our files sent to a server of theirs.
   */
  readonly selfContained?: boolean
}

/** A kubeconfig cannot be used as it is; the message says what to change. */
export class KubeConfigError extends Error {
  override readonly name = 'KubeConfigError'
  /** False when the only fault is that it runs a program or reads a file of this machine. */
  readonly selfContained: boolean

  constructor(message: string, options: { selfContained?: boolean } = {}) {
    super(message)
    this.selfContained = options.selfContained ?? true
  }
}

/** Loads a kubeconfig and selects its context. Throws {@link KubeConfigError}; never repeats the file's content. */
export function loadKubeConfig(source: KubeConfigSource = {}): KubeConfig {
  const origin = source.file ?? (source.text === undefined ? 'the default kubeconfig' : 'the kubeconfig')
  const config = read(source, origin)
  selectContext(config, source.context, origin)
  checkCluster(config, origin)
  if (source.selfContained) refuseForeignPowers(config, origin)
  return config
}

function read({ text, file }: KubeConfigSource, origin: string): KubeConfig {
  const config = new KubeConfig()
  try {
    if (text !== undefined) config.loadFromString(normalized(text))
    else if (file !== undefined) {
      const folder = path.dirname(path.resolve(file))
      config.loadFromString(normalized(readFileSync(file, 'utf8'), folder))
      config.makePathsAbsolute(folder)
    } else loadDefault(config)
  } catch (cause) {
    // A YAML error quotes the lines around it, which may hold a key or a token.
    const { code, path: unread = origin } = cause as NodeJS.ErrnoException
    throw new KubeConfigError(
      code
        ? `${unread} cannot be read: ${code}`
        : `${origin} is not a valid kubeconfig (YAML with clusters, users, contexts; at most ${MAX_ALIASES} aliases)`,
    )
  }
  if (text === undefined && file === undefined && config.getCurrentContext() === 'loaded-context') {
    throw new KubeConfigError('there is no kubeconfig: name a file, set KUBECONFIG, or create ~/.kube/config')
  }
  return config
}

/** As kubectl does, passes over files of KUBECONFIG that are not there, as long as one is. */
function loadDefault(config: KubeConfig): void {
  const files = (process.env.KUBECONFIG ?? '').split(path.delimiter).filter((file) => file !== '' && existsSync(file))
  const [first, ...others] = files
  if (first === undefined) config.loadFromDefault()
  else config.loadFromFile(first)
  for (const file of others) {
    const other = new KubeConfig()
    other.loadFromFile(file)
    config.mergeConfig(other)
  }
}

/** Each may stand for what has aliases itself: some tens of them in a kilobyte are more than any memory holds. */
const MAX_ALIASES = 8

/**
 * The kubeconfig as JSON, with `tokenFile` as the token-file login that client-node has. It knows the field under another
 * name only, and would read that file while loading, once, whatever the context.
 */
function normalized(text: string, folder = ''): string {
  const document = load(text, { maxAliases: MAX_ALIASES }) as { users?: unknown }
  if (typeof document !== 'object' || document === null) throw new TypeError('no mapping')
  const users = Array.isArray(document.users) ? document.users : []
  for (const { user } of users as { user?: Record<string, unknown> | null }[]) {
    const tokenFile = user?.tokenFile ?? user?.['token-file']
    if (!user || tokenFile === undefined) continue
    delete user['token-file']
    // As in client-go, the file counts more than a token beside it.
    delete user.token
    user['auth-provider'] = { name: 'tokenFile', config: { tokenFile: path.resolve(folder, String(tokenFile)) } }
  }
  return JSON.stringify(document)
}

function selectContext(config: KubeConfig, wanted: string | undefined, origin: string): void {
  const names = config.getContexts().map(({ name }) => name)
  const list = names.join(', ') || 'none'
  if (wanted !== undefined) {
    if (!names.includes(wanted)) {
      throw new KubeConfigError(`${origin} has no context "${wanted}"; it has: ${list}`)
    }
    config.setCurrentContext(wanted)
  } else if (!config.getCurrentContext() && names.length === 1 && names[0] !== undefined) {
    config.setCurrentContext(names[0])
  }
  const current = config.getCurrentContext()
  const context = config.getContextObject(current)
  if (!context) {
    throw new KubeConfigError(
      current
        ? `${origin} has no context "${current}", which is its current-context; it has: ${list}`
        : `${origin} does not say which cluster to use: set current-context or name a context; it has: ${list}`,
    )
  }
  if (!config.getCurrentCluster()) {
    throw new KubeConfigError(
      `${origin}: context "${current}" refers to cluster "${context.cluster}", which is not there`,
    )
  }
  // Without a user client-node forgets the cluster's CA as well.
  if (!config.getCurrentUser()) {
    throw new KubeConfigError(
      context.user
        ? `${origin}: context "${current}" refers to user "${context.user}", which is not there`
        : `${origin}: context "${current}" names no user`,
    )
  }
}

function checkCluster(config: KubeConfig, origin: string): void {
  const cluster = config.getCurrentCluster()
  const url = URL.parse(cluster?.server ?? '')
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new KubeConfigError(`${origin}: cluster "${cluster?.name}" has no valid server URL (https://HOST:PORT)`)
  }
  const proxy = URL.parse(cluster?.proxyUrl || 'http://none')
  if (!proxy?.hostname || !/^(https?|socks(4a?|5h?)?):$/.test(proxy.protocol)) {
    throw new KubeConfigError(
      `${origin}: cluster "${cluster?.name}" has no valid proxy-url (http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT)`,
    )
  }
  if (url.protocol === 'http:' && !cluster?.skipTLSVerify) {
    throw new KubeConfigError(
      `${origin}: cluster "${cluster?.name}" is not reached by https; only insecure-skip-tls-verify allows that`,
    )
  }
}

function refuseForeignPowers(config: KubeConfig, origin: string): void {
  const user = config.getCurrentUser()
  const power =
    (user?.exec && 'runs an exec plug-in') ||
    (user?.authProvider?.name === 'tokenFile' && 'refers to a token file') ||
    (user?.authProvider && 'uses an auth-provider') ||
    ((user?.certFile || user?.keyFile || config.getCurrentCluster()?.caFile) && 'refers to files')
  if (power) {
    throw new KubeConfigError(
      `${origin} ${power}, which is not possible where it is used: embed certificates (kubectl config view --flatten --minify) or a ServiceAccount token`,
      { selfContained: false },
    )
  }
}

/** Whether two kubeconfigs lead to the same API server by the same way: URL, proxy, what it is trusted by. They may log in differently. */
export function haveSameServer(a: KubeConfig, b: KubeConfig): boolean {
  const [here, there] = [a, b].map((config) => ({ ...config.getCurrentCluster(), name: '' }))
  return isDeepStrictEqual(here, there)
}
