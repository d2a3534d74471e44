import { X509Certificate } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http'
import type { RequestOptions } from 'node:https'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import { KubeConfig } from '@kubernetes/client-node'
import { errorOf } from '../observe/observe.ts'
import { impersonationHeaders } from './impersonation.ts'
import { KubeConfigError } from './kubeconfig.ts'

/** How one logs in at a time. The same object as long as nothing has changed. */
export interface Login {
  readonly headers: OutgoingHttpHeaders
  /** CA, certificate, key and what else node:https takes, without headers. */
  readonly tls: Omit<RequestOptions, 'headers' | 'auth'>
}

export interface LoginSource {
  readonly first: Login
  /** The login for what is sent now. Rejects when an exec plug-in or an auth-provider fails. */
  current(): Promise<Login>
  /** An API server did not take it (401): the next one is had anew. */
  refused(login: Login): void
}

/** As client-go does it: token files (transport/token_source.go) and certificates (transport/cert_rotation.go). */
const READ_AGAIN_MS = 60_000

/**
 * The login of a kubeconfig. Files are read again each minute, and a former one serves while they hold none that is whole;
 * exec plug-ins are asked again when what they gave expires, as client-node does; both after a 401.
 * @throws KubeConfigError when certificates cannot be used or a login cannot be had at first
 */
export async function createLoginSource(config: KubeConfig, now = () => performance.now()): Promise<LoginSource> {
  const user = config.getCurrentUser()
  const isTokenFile = user?.authProvider?.name === 'tokenFile'
  const asks = Boolean(user?.exec || (user?.authProvider && !isTokenFile))
  const reads = isTokenFile || Boolean(user?.certFile || user?.keyFile || config.getCurrentCluster()?.caFile)
  const first = await read(config).catch((thrown: unknown) => {
    if (thrown instanceof KubeConfigError) throw thrown
    throw new KubeConfigError(`the login of the kubeconfig cannot be used: ${errorOf(thrown).message.trim()}`)
  })
  let source = config
  let last = first
  let readAt = now()
  let isRefused = false
  let pending: Promise<Login> | undefined

  const again = async (): Promise<Login> => {
    if (isTokenFile || isRefused) source = withoutMemory(config)
    isRefused = false
    try {
      const next = await read(source)
      readAt = now()
      if (!isSame(next, last)) last = next
    } catch (thrown) {
      // Files are written one after the other, and may be gone for a moment.
      if (asks) throw thrown
    }
    return last
  }
  const isFresh = () => !asks && !isRefused && (!reads || now() - readAt < READ_AGAIN_MS)

  return {
    first,
    async current() {
      if (isFresh()) return last
      // One for all who wait: an exec plug-in is run once, not once a request.
      pending ??= again().finally(() => {
        pending = undefined
      })
      return await pending
    },
    refused(login) {
      isRefused ||= login === last
    },
  }
}

async function read(config: KubeConfig): Promise<Login> {
  const options: RequestOptions = { headers: {} }
  await config.applyToHTTPSOptions(options)
  const { headers, auth, ...tls } = options
  checkCertificates(tls)
  const { Authorization } = headers as OutgoingHttpHeaders
  return {
    headers: {
      ...(headers as OutgoingHttpHeaders),
      // A token that was read from a file may end with a newline.
      ...(typeof Authorization === 'string' && { Authorization: Authorization.trim() }),
      ...(auth && { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` }),
      ...impersonationHeaders(config.getCurrentUser()),
    },
    tls,
  }
}

/** The same kubeconfig without the tokens that client-node has kept for it. */
function withoutMemory(config: KubeConfig): KubeConfig {
  const fresh = new KubeConfig()
  fresh.loadFromOptions({
    clusters: config.getClusters(),
    users: config.getUsers(),
    contexts: config.getContexts(),
    currentContext: config.getCurrentContext(),
  })
  return fresh
}

function isSame(a: Login, b: Login): boolean {
  return isDeepStrictEqual(a.headers, b.headers) && isSameTls(a.tls, b.tls)
}

/** Whether connections that were opened by the one are as good as those by the other. Pure. */
export function isSameTls(a: Login['tls'], b: Login['tls']): boolean {
  return isDeepStrictEqual([a.ca, a.cert, a.key], [b.ca, b.cert, b.key])
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
