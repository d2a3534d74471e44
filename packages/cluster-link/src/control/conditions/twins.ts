import type { StoredCluster } from '@kosmos/kube'

/** A linked cluster as far as it may be another one by another name. */
export interface Known {
  readonly cluster: StoredCluster
  /** uids of its nodes. */
  readonly nodes: ReadonlySet<string>
}

/** Other Clusters that stand for the same cluster: they have nodes in common. The oldest one is the one that counts. */
export function twinsOf(
  own: Known,
  others: Iterable<Known>,
): { readonly older: StoredCluster[]; readonly younger: StoredCluster[] } {
  const twins = [...others].filter(({ nodes }) => !nodes.isDisjointFrom(own.nodes)).map(({ cluster }) => cluster)
  return {
    older: twins.filter((twin) => isOlder(twin, own.cluster)),
    younger: twins.filter((twin) => isOlder(own.cluster, twin)),
  }
}

function isOlder({ metadata: a }: StoredCluster, { metadata: b }: StoredCluster): boolean {
  const [first, second] = [a, b].map(({ creationTimestamp }) => Date.parse(creationTimestamp ?? ''))
  return first === second ? a.name < b.name : (first ?? 0) < (second ?? 0)
}
