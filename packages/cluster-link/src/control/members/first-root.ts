import { rootClusterLabel } from '@kosmos/api'
import type { StoredNodeConfig } from '../resources.ts'

/** Whose NodeConfig it is; undefined: it was written by a version that did not say so. */
export const rootOf = ({ metadata: { labels } }: StoredNodeConfig): string | undefined => labels?.[rootClusterLabel]

/**
 * The root that links a cluster: whose NodeConfig there is the oldest, by the clock of that cluster's API server. Every root
 * that looks comes to the same. Undefined: there is none, or none says whose it is.
 */
export function firstRoot(configs: Iterable<StoredNodeConfig>): string | undefined {
  let first: { readonly root: string; readonly since: number } | undefined
  for (const config of configs) {
    const root = rootOf(config)
    const since = Date.parse(config.metadata.creationTimestamp ?? '')
    if (root === undefined) continue
    if (first === undefined || since < first.since || (since === first.since && root < first.root))
      first = { root, since }
  }
  return first?.root
}
