import { readFile } from 'node:fs/promises'
import { systemNamespace } from '@kosmos/api'
import type { Client } from '@kosmos/kube'
import type { LoadedKubeConfig } from '../clusters/connect.ts'
import { toYaml } from '../output/print.ts'
import { Failure } from '../terminal/failure.ts'

/** How a leaf's API server is reached and trusted, without who logs in. */
export interface LeafEndpoint {
  readonly server: string
  /** base64 of PEM; undefined if a public authority signed the certificate. */
  readonly certificateAuthority: string | undefined
  readonly tlsServerName: string | undefined
  readonly proxyUrl: string | undefined
}

/** The endpoint of a kubeconfig, with its files read in. `server` overrides the address. */
export async function endpointOf(config: LoadedKubeConfig, server: string | undefined): Promise<LeafEndpoint> {
  const cluster = config.getCurrentCluster()
  if (!cluster) throw new Failure('the kubeconfig has no current cluster', { next: 'name a context with --context' })
  const fromFile = async (path: string) => (await readFile(path)).toString('base64')
  return {
    server: server ?? cluster.server,
    certificateAuthority: cluster.caData ?? (cluster.caFile ? await fromFile(cluster.caFile) : undefined),
    tlsServerName: cluster.tlsServerName,
    proxyUrl: cluster.proxyUrl,
  }
}

/** A kubeconfig that needs no other file. Pure. */
export function selfContainedKubeconfig(name: string, endpoint: LeafEndpoint, token: string): string {
  const { server, certificateAuthority, tlsServerName, proxyUrl } = endpoint
  return toYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server,
          ...(certificateAuthority && { 'certificate-authority-data': certificateAuthority }),
          ...(tlsServerName && { 'tls-server-name': tlsServerName }),
          ...(proxyUrl && { 'proxy-url': proxyUrl }),
        },
      },
    ],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  })
}

/** A token for the account that join made. The leaf may give it a shorter life than was asked for. */
export async function requestToken(
  leaf: Client,
  account: string,
  ttlSeconds: number,
): Promise<{ readonly token: string; readonly expires: string }> {
  const ref = { namespace: systemNamespace, name: account }
  const outcome = await leaf.requestToken(ref, { expirationSeconds: ttlSeconds })
  if (!outcome.ok) {
    throw new Failure(`leaf: no token for ServiceAccount ${systemNamespace}/${account}: ${outcome.status.message}`, {
      next: 'run join again; it takes up where it stopped',
    })
  }
  return { token: outcome.object.status.token, expires: outcome.object.status.expirationTimestamp }
}
