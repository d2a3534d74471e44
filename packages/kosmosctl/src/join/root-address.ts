import type { Client } from '@kosmos/kube'
import { InvalidArgumentError } from 'commander'
import { isLoopback } from '../clusters/loopback.ts'
import { clusters } from '../clusters/resources.ts'

/** What `--root-api-server` says for "nowhere". */
const NOWHERE = 'none'

/** Scheme, host and port of an API server's address; undefined if in-cluster clients could not use it, who know no path. */
function originOf(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined
  const { protocol, pathname, search, username, origin } = new URL(address)
  return protocol === 'https:' && pathname === '/' && search === '' && username === '' ? origin : undefined
}

/** For the command line. */
export function parseRootAddress(text: string): string {
  if (text === NOWHERE) return text
  const origin = originOf(text)
  if (origin === undefined) throw new InvalidArgumentError(`Give it as https://host:port, or "${NOWHERE}".`)
  return origin
}

/**
 * Where pods of a leaf reach the root's API server: what was asked for, else what the Cluster says already, else where the
 * person reaches it, unless only this machine can.
 */
export async function rootAddress(
  asked: string | undefined,
  root: { readonly client: Client; readonly server: string },
  cluster: { readonly name: string; readonly isDefined: boolean },
): Promise<string | undefined> {
  if (asked !== undefined) return asked === NOWHERE ? undefined : asked
  const stored = cluster.isDefined ? await root.client.get(clusters, { name: cluster.name }) : undefined
  return stored ? stored.spec.clusterTreeOptions?.rootAPIServer : defaultAddress(root.server)
}

/** Pure. */
export function defaultAddress(server: string): string | undefined {
  return isLoopback(server) ? undefined : originOf(server)
}
