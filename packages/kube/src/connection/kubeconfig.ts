import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { KubeConfig } from '@kubernetes/client-node'
import { load } from 'js-yaml'
import { impersonationProblem, keepImpersonation, type WrittenUser } from './impersonation.ts'

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
  const origin = source.text === undefined ? kubeConfigFiles(source).join(', ') : 'the kubeconfig'
  const config = read(source, origin)
  selectContext(config, source.context, origin)
  checkCluster(config, origin)
  checkImpersonation(config, origin)
  if (source.selfContained) refuseForeignPowers(config, origin)
  return config
}

function read({ text, file }: KubeConfigSource, origin: string): KubeConfig {
  let config: KubeConfig
  try {
    if (text !== undefined) config = parsed(text)
    else config = file === undefined ? loadDefault() : loadFile(file)
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
    const looked = kubeConfigFiles({}).join(', ')
    throw new KubeConfigError(
      `there is no kubeconfig at ${looked}: name a file, set KUBECONFIG, or create ~/.kube/config`,
    )
  }
  return config
}

function loadFile(file: string): KubeConfig {
  const folder = path.dirname(path.resolve(file))
  const config = parsed(readFileSync(file, 'utf8'), folder)
  config.makePathsAbsolute(folder)
  return config
}

/** The files in which a source that is no text is looked for; those of KUBECONFIG need not be there. */
export function kubeConfigFiles({ file }: Pick<KubeConfigSource, 'file'>): string[] {
  if (file !== undefined) return [file]
  const named = (process.env.KUBECONFIG ?? '').split(path.delimiter).filter((one) => one !== '')
  return named.length === 0 ? [path.join(homedir(), '.kube', 'config')] : named
}

/** As kubectl does, passes over files of KUBECONFIG that are not there, as long as one is. */
function loadDefault(): KubeConfig {
  const [first, ...others] = kubeConfigFiles({}).filter((file) => existsSync(file))
  if (first === undefined) {
    const config = new KubeConfig()
    config.loadFromDefault()
    return config
  }
  const config = loadFile(first)
  for (const file of others) config.mergeConfig(loadFile(file))
  return config
}

function parsed(text: string, folder = ''): KubeConfig {
  const document = normalized(text, folder)
  const config = new KubeConfig()
  config.loadFromString(JSON.stringify(document))
  checkNames(config)
  keepImpersonation(config, document.users)
  return config
}

/** Each may stand for what has aliases itself: some tens of them in a kilobyte are more than any memory holds. */
const MAX_ALIASES = 8

/**
 * What a kubeconfig says, with `tokenFile` as the token-file login that client-node has. It knows the field under another
 * name only, and would read that file while loading, once, whatever the context.
 */
function normalized(text: string, folder: string): { readonly users: readonly WrittenUser[] } {
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
  return { ...document, users }
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

/** As in client-go, names are text: they stand in messages, and not everything that JSON has can. */
function checkNames(config: KubeConfig): void {
  const names = [
    config.getCurrentContext(),
    ...config.getClusters().map(({ name }) => name),
    ...config.getUsers().map(({ name }) => name),
    ...config.getContexts().flatMap(({ name, cluster, user }) => [name, cluster, user]),
  ]
  if (names.some((name) => name !== undefined && name !== null && typeof name !== 'string'))
    throw new TypeError('a name')
}

function checkCluster(config: KubeConfig, origin: string): void {
  const cluster = config.getCurrentCluster()
  const url = parsedUrl(cluster?.server ?? '')
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new KubeConfigError(`${origin}: cluster "${cluster?.name}" has no valid server URL (https://HOST:PORT)`)
  }
  const proxy = parsedUrl(cluster?.proxyUrl || 'http://none')
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

/** Anything may stand there, also what cannot be made text. */
const parsedUrl = (value: unknown): URL | null => (typeof value === 'string' ? URL.parse(value) : null)

function checkImpersonation(config: KubeConfig, origin: string): void {
  const user = config.getCurrentUser()
  const problem = user && impersonationProblem(user)
  if (problem) throw new KubeConfigError(`${origin}: user "${user.name}": ${problem}`)
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
